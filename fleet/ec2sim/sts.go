package ec2sim

import (
	"bytes"
	"fmt"
	"net/http"
)

const stsVersion = "2011-06-15"

// isSTS tells the requests for the service that says who one is. Clients with one endpoint for everything
// (AWS_ENDPOINT_URL) send them here too.
func isSTS(c *Call) bool { return c.Params.Get("Version") == stsVersion }

// answerSTS answers GetCallerIdentity, the only action of STS that a region knows.
func (w *world) answerSTS(c *Call, id string) answer {
	var b bytes.Buffer
	status := http.StatusOK
	if c.Action == "GetCallerIdentity" {
		fmt.Fprintf(&b, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/%s/"><GetCallerIdentityResult>`+
			`<Arn>arn:aws:iam::%s:user/rehearsal</Arn><UserId>AIDAREHEARSALUSER0000</UserId><Account>%[2]s</Account>`+
			`</GetCallerIdentityResult><ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></GetCallerIdentityResponse>`,
			stsVersion, w.account(), id)
	} else {
		c.Code, status = "InvalidAction", http.StatusBadRequest
		fmt.Fprintf(&b, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/%s/"><Error><Type>Sender</Type><Code>%s</Code><Message>`, stsVersion, c.Code)
		escape(&b, fmt.Sprintf("Could not find operation %s for version %s", c.Action, stsVersion))
		fmt.Fprintf(&b, "</Message></Error><RequestId>%s</RequestId></ErrorResponse>", id)
	}
	return answer{status: status, kind: "text/xml", body: b.Bytes()}
}
