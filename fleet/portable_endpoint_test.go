package fleet_test

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"cluster/fleet/ec2sim"
)

// An endpoint is an EC2 at a URL.
type endpoint struct {
	url   string
	moto  bool             // it is moto, of which the differences are known
	now   func() time.Time // the launcher's time there: it passes as fast as the launcher's waits do
	clock func() time.Time // what the endpoint writes on what happens
	gate  *gate
}

// embedded is the embedded region, on loopback.
func embedded(t *testing.T, o ec2sim.Options) endpoint {
	r := ec2sim.New(o)
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	return endpoint{url: server.URL, now: r.Now, clock: r.Now}
}

const untried = "the launcher is not tried against an EC2 that is not ours"

// other is an EC2 that is not this project's. Without one the test is skipped.
func other(t *testing.T) endpoint {
	start := time.Now()
	e := endpoint{
		url:   os.Getenv("CLUSTER_TEST_ENDPOINT"),
		now:   func() time.Time { return start.Add(hurry * time.Since(start)) },
		clock: time.Now,
	}
	if e.url == "" {
		if os.Getenv("CLUSTER_TEST_PORTABLE") == "" {
			t.Skip("neither CLUSTER_TEST_PORTABLE=1 nor CLUSTER_TEST_ENDPOINT: " + untried)
		}
		path, err := exec.LookPath("moto_server")
		if err != nil {
			t.Skip("no CLUSTER_TEST_ENDPOINT, and no moto_server on the path: " + untried)
		}
		e.url = startMoto(t, path)
	}
	res, err := http.Get(e.url + "/moto-api/data.json")
	if err != nil {
		t.Fatalf("the endpoint %s: %v", e.url, err)
	}
	res.Body.Close()
	e.moto = res.StatusCode == http.StatusOK
	return e
}

// plainBodies is an HTTP client that reads request bodies in the plain way. With the SDK's own way (io.WriterTo,
// smithy-go 1.28) an answer that comes faster than the client finishes its request breaks the
// connection; an endpoint on loopback that does not wait for anything is as fast as that.
type plainBodies struct{}

func (plainBodies) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return http.DefaultClient.Do(r)
}

// empty makes moto forget everything: it looks at all instances it ever had whenever it looks.
func (e endpoint) empty(t *testing.T) {
	if !e.moto {
		return
	}
	res, err := http.Post(e.url+"/moto-api/reset", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
}

// A gate stands between the launcher and the endpoint.
type gate struct {
	url string

	mu  sync.Mutex
	cut string // an action: the next call of it is done, and the answer is lost
}

// newGate opens a gate. It lets everything through, but for what moto has not implemented and no
// launch can do without: there is no placement group there, and the gate says so.
func newGate(t *testing.T, e endpoint) *gate {
	to, err := url.Parse(e.url)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ModifyResponse = func(r *http.Response) error {
		if g.cuts(r.Request.Header.Get(actionHeader)) {
			panic(http.ErrAbortHandler)
		}
		return nil
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		form, err := url.ParseQuery(string(body))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		action := form.Get("Action")
		if e.moto && action == "DescribePlacementGroups" {
			w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
			fmt.Fprint(w, `<DescribePlacementGroupsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>gate</requestId><placementGroupSet/></DescribePlacementGroupsResponse>`)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.Header.Set(actionHeader, action)
		proxy.ServeHTTP(w, r)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the cut connections, which are meant
	t.Cleanup(server.Close)
	g.url = server.URL
	return g
}

const actionHeader = "X-Gate-Action"

// cuts says whether the answer to an action is to be lost, once.
func (g *gate) cuts(action string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.cut == "" || g.cut != action {
		return false
	}
	g.cut = ""
	return true
}

func (g *gate) loseNext(action string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.cut = action
}
