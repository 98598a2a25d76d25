package fleet

import (
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/logging"
)

// A plainBody hides all of a request's body but Read and Close. The body that the SDK sends also has
// WriteTo, which returns io.EOF once it is closed, and the SDK closes it as soon as the answer begins;
// net/http, which by then may still look for the end of the body, takes that for a failure and closes
// the connection under the answer ("use of closed network connection", aws-sdk-go-v2 issue 1825). The
// call was done by then, and had to be repeated.
type plainBody struct{ next aws.HTTPClient }

func (p plainBody) Do(q *http.Request) (*http.Response, error) {
	if q.Body != nil && q.Body != http.NoBody {
		q.Body = struct{ io.ReadCloser }{q.Body}
	}
	return p.next.Do(q)
}

// silent is a logger: the SDK's own would write to standard error, past every view.
var silent = logging.Nop{}
