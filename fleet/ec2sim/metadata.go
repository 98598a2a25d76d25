package ec2sim

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// The limits of a session with the instance metadata service, in seconds, and its headers. See "Use the Instance
// Metadata Service to access instance metadata" in the EC2 User Guide.
const (
	tokenTTL    = "X-Aws-Ec2-Metadata-Token-Ttl-Seconds"
	tokenHeader = "X-Aws-Ec2-Metadata-Token"
	maxTokenTTL = 21600
)

// Metadata is the instance metadata service of one instance, in its second version and, where the instance allows
// that, the first. It has what decides how a node comes to know itself: ids, addresses, placement, tags, user
// data and the identity document. An instance that does not run has none, and other paths are not found.
func (r *Region) Metadata(instanceID string) http.Handler {
	return &metadata{r: r, id: instanceID, tokens: map[string]time.Time{}}
}

type metadata struct {
	r  *Region
	id string

	mu     sync.Mutex
	tokens map[string]time.Time // and until when they are good
}

func (m *metadata) ServeHTTP(out http.ResponseWriter, q *http.Request) {
	s, err := m.look()
	switch {
	case err != nil:
		http.Error(out, err.Error(), http.StatusNotFound)
	case s.options.HttpEndpoint == types.InstanceMetadataEndpointStateDisabled:
		http.Error(out, "the metadata endpoint of this instance is disabled", http.StatusForbidden)
	case q.Method == http.MethodPut && q.URL.Path == "/latest/api/token":
		m.openSession(out, q)
	case q.Method != http.MethodGet && q.Method != http.MethodHead:
		http.Error(out, "the metadata is read with GET", http.StatusMethodNotAllowed)
	case !m.known(q.Header.Get(tokenHeader), s.options):
		http.Error(out, "a session token is needed: PUT /latest/api/token", http.StatusUnauthorized)
	default:
		if asked := path.Clean(q.URL.Path); asked == "/latest" || strings.HasPrefix(asked, "/latest/dynamic") {
			if err := m.identify(s); err != nil {
				http.Error(out, err.Error(), http.StatusInternalServerError)
				return
			}
		}
		s.serve(out, q.URL.Path)
	}
}

// identify adds the signed identity document to what an instance can read.
func (m *metadata) identify(s self) error {
	document, signed, err := m.r.IdentityDocument(m.id)
	if err == nil {
		s.texts["/dynamic/instance-identity/document"] = string(document)
		s.texts["/dynamic/instance-identity/rsa2048"] = string(signed)
	}
	return err
}

// openSession gives a token away, unless the request came through a proxy.
func (m *metadata) openSession(out http.ResponseWriter, q *http.Request) {
	ttl, err := strconv.Atoi(q.Header.Get(tokenTTL))
	switch {
	case q.Header.Get("X-Forwarded-For") != "":
		http.Error(out, "not through a proxy", http.StatusForbidden)
		return
	case err != nil || ttl < 1 || ttl > maxTokenTTL:
		http.Error(out, fmt.Sprintf("the header %s takes 1 to %d", tokenTTL, maxTokenTTL), http.StatusBadRequest)
		return
	}
	token, now := rand.Text(), time.Now()
	m.mu.Lock()
	for t, until := range m.tokens {
		if now.After(until) {
			delete(m.tokens, t)
		}
	}
	m.tokens[token] = now.Add(time.Duration(ttl) * time.Second)
	m.mu.Unlock()
	out.Header().Set(tokenTTL, strconv.Itoa(ttl))
	io.WriteString(out, token)
}

// known says whether a request with this token, or without one, may read.
func (m *metadata) known(token string, o *types.InstanceMetadataOptionsResponse) bool {
	if token == "" {
		return o.HttpTokens == types.HttpTokensStateOptional
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	until, ok := m.tokens[token]
	return ok && time.Now().Before(until)
}

// self is what an instance can read of itself: texts by path.
type self struct {
	options *types.InstanceMetadataOptionsResponse
	texts   map[string]string
}

func (m *metadata) look() (s self, err error) {
	failed := fmt.Errorf("instance %s does not run", m.id)
	err = m.r.look(func() error {
		m.r.everyWorld(func(w *world) bool {
			i := w.Instances[m.id]
			if i == nil {
				return false
			}
			if p := w.phase(i); p == running || p == stopping || p == shuttingDown {
				s, failed = self{options: w.Launches[i.Launch].Metadata, texts: w.selfTexts(i)}, nil
			}
			return true
		})
		return nil
	})
	return s, errors.Join(err, failed)
}

// serve answers with a text, or with the names below a folder.
func (s self) serve(out http.ResponseWriter, asked string) {
	asked = strings.TrimSuffix(path.Clean(asked), "/")
	asked, ok := strings.CutPrefix(asked, "/latest")
	if !ok {
		http.Error(out, "not found", http.StatusNotFound)
		return
	}
	out.Header().Set("Content-Type", "text/plain")
	if text, ok := s.texts[asked]; ok {
		io.WriteString(out, text)
		return
	}
	var names []string
	for p := range s.texts {
		if below, ok := strings.CutPrefix(p, asked+"/"); ok {
			name, _, folder := strings.Cut(below, "/")
			if folder {
				name += "/"
			}
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		http.Error(out, "not found", http.StatusNotFound)
		return
	}
	slices.Sort(names)
	io.WriteString(out, strings.Join(slices.Compact(names), "\n"))
}

// selfTexts are the texts that an instance finds below /latest.
func (w *world) selfTexts(i *instance) map[string]string {
	l, v := w.Launches[i.Launch], w.view(i)
	t := map[string]string{}
	put := func(name, text string) {
		if text != "" {
			t["/meta-data/"+name] = text
		}
	}
	put("ami-id", value(v.ImageId))
	put("ami-launch-index", strconv.Itoa(int(i.Index)))
	put("instance-id", i.ID)
	put("instance-type", l.Type)
	put("instance-life-cycle", lifeCycle(v))
	put("reservation-id", l.ID)
	put("hostname", value(v.PrivateDnsName))
	put("local-hostname", value(v.PrivateDnsName))
	put("local-ipv4", value(v.PrivateIpAddress))
	put("public-hostname", value(v.PublicDnsName))
	put("public-ipv4", value(v.PublicIpAddress))
	put("placement/availability-zone", l.Zone)
	put("placement/availability-zone-id", l.ZoneID)
	put("placement/region", w.Name)
	put("placement/group-name", value(l.Placement.GroupName))
	put("services/domain", "amazonaws.com")
	put("services/partition", "aws")
	var groups []string
	for _, g := range v.SecurityGroups {
		groups = append(groups, value(g.GroupName))
	}
	put("security-groups", strings.Join(groups, "\n"))
	for n, e := range v.NetworkInterfaces {
		at := "network/interfaces/macs/" + value(e.MacAddress) + "/"
		put(at+"device-number", strconv.Itoa(int(l.NICs[n].Index)))
		put(at+"interface-id", value(e.NetworkInterfaceId))
		put(at+"local-ipv4s", value(e.PrivateIpAddress))
		put(at+"subnet-id", value(e.SubnetId))
		put(at+"vpc-id", value(e.VpcId))
		put(at+"vpc-ipv4-cidr-block", vpcCIDR)
		put(at+"vpc-ipv4-cidr-blocks", vpcCIDR)
		if n == 0 {
			put("mac", value(e.MacAddress))
		}
	}
	if w.metadataTags(i) {
		for k, text := range w.tagsOf(i.ID) {
			t["/meta-data/tags/instance/"+k] = text
		}
	}
	if data, err := base64.StdEncoding.DecodeString(l.UserData); err == nil && len(data) > 0 {
		t["/user-data"] = string(data)
	}
	return t
}

func lifeCycle(v types.Instance) string {
	if v.InstanceLifecycle == "" {
		return "on-demand"
	}
	return string(v.InstanceLifecycle)
}
