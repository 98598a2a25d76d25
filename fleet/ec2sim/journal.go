package ec2sim

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Call is one request that a region answered.
type Call struct {
	Action    string
	Region    string
	Account   string
	Time      time.Time // the region's, when it arrived
	Params    url.Values
	Attempt   int    // 1 for the first; 0 if the client does not say
	DryRun    bool   // it asked for one, and everything before that was well
	Code      string // of the error; "" if there was none
	Status    int    // HTTP
	Instances int    // how many the answer names
	Lost      bool   // it was done and the answer was lost
}

// kept is the number of calls that a journal holds at least; older ones go.
const kept = 20_000

func (r *Region) record(c Call) {
	if len(r.journal) >= 2*kept {
		r.journal = slices.Delete(r.journal, 0, kept)
	}
	r.journal = append(r.journal, c)
}

// Journal is every request that this Region answered, in the order of their arrival. It is the process's own,
// even where the state is shared; of a very long session it has the last 20,000 at least.
func (r *Region) Journal() []Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.journal)
}

// serveRehearsal is what the endpoint has besides EC2, for people who test their own tools with it.
func (r *Region) serveRehearsal(out http.ResponseWriter, q *http.Request) {
	switch q.Method + " " + strings.TrimPrefix(q.URL.Path, "/_rehearsal/") {
	case "POST reset":
		if err := r.locked(r.empty); err != nil {
			http.Error(out, err.Error(), http.StatusInternalServerError)
			return
		}
		out.WriteHeader(http.StatusNoContent)
	case "POST fault":
		var f Fault
		d := json.NewDecoder(http.MaxBytesReader(out, q.Body, maxBody))
		d.DisallowUnknownFields()
		if err := d.Decode(&f); err != nil {
			http.Error(out, err.Error(), http.StatusBadRequest)
			return
		}
		if err := r.inject(f); err != nil {
			http.Error(out, err.Error(), http.StatusBadRequest)
			return
		}
		out.WriteHeader(http.StatusNoContent)
	case "GET journal":
		out.Header().Set("Content-Type", "application/json")
		// A client that went away is not this side's trouble.
		_ = json.NewEncoder(out).Encode(r.Journal())
	case "GET identity.pem":
		r.serveIdentity(out, q)
	default:
		http.Error(out, "there are POST /_rehearsal/reset, POST /_rehearsal/fault, GET /_rehearsal/journal and GET /_rehearsal/identity.pem", http.StatusNotFound)
	}
}
