package attest

import "time"

// Expected is what EC2 says of an instance. What is empty was not told, and proves nothing.
type Expected struct {
	Account, Region                             string
	Instance, Image, InstanceType, Architecture string
	PrivateIP                                   string
	Launched                                    time.Time // or started again
}

// A Difference is a field in which a document and EC2 do not agree. An empty Want is one that EC2 did not tell.
type Difference struct{ Field, Want, Got string }

// Other says that the field makes it a document of something else than the instance.
func (d Difference) Other() bool { return d.Want != "" }

// near is how far the time in a document may be from that which EC2 tells: both are about the same moment, and
// nobody promises that they are the same number.
const near = time.Minute

// Differences are the fields in which a document and EC2 do not agree; none if the document is of the instance.
// The first is what tells most: another instance, then another account, region and image.
func (d Document) Differences(want Expected) (found []Difference) {
	for _, f := range []Difference{
		{"instance", want.Instance, d.Instance},
		{"account", want.Account, d.Account},
		{"region", want.Region, d.Region},
		{"image", want.Image, d.Image},
		{"instance type", want.InstanceType, d.InstanceType},
		{"architecture", want.Architecture, d.Architecture},
		{"private address", want.PrivateIP, d.PrivateIP},
	} {
		if f.Want == "" || f.Want != f.Got {
			found = append(found, f)
		}
	}
	if apart := d.Pending.Sub(want.Launched); want.Launched.IsZero() || apart.Abs() > near {
		f := Difference{Field: "launch time", Got: d.Pending.UTC().Format(time.RFC3339)}
		if !want.Launched.IsZero() {
			f.Want = want.Launched.UTC().Format(time.RFC3339)
		}
		found = append(found, f)
	}
	return found
}
