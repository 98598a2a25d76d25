package spec

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// Format lays a native-syntax cluster file out canonically.
func Format(src []byte, filename string) ([]byte, hcl.Diagnostics) {
	return hclwrite.Format(src), nil
}
