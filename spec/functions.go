package spec

import (
	"fmt"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

func (l *loader) functions() map[string]function.Function {
	return map[string]function.Function{"can": tryfunc.CanFunc, "upper": stdlib.UpperFunc}
}

func (l *loader) unknownFunction(name string) string {
	return fmt.Sprintf("There is no function %q.", name)
}
