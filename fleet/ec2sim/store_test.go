package ec2sim_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"cluster/fleet/ec2sim"
)

func open(t *testing.T, o ec2sim.Options) *ec2sim.Region {
	t.Helper()
	r, err := ec2sim.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func TestTwoProcessesShareAFile(t *testing.T) {
	o := ec2sim.Options{Instant: true, Path: filepath.Join(t.TempDir(), "deep", "state")}
	a, b := open(t, o), open(t, o)
	first := run(t, client(a), tokened(3, "x"))
	if got := run(t, client(b), tokened(3, "x")); !slices.Equal(got, first) {
		t.Errorf("the other side of the file launched again: %v", got)
	}
	if _, err := client(b).CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: first[:1], Tags: []types.Tag{tag("seen", "yes")}}); err != nil {
		t.Fatal(err)
	}
	if n := len(describe(t, client(a), filter("tag:seen", "yes"))); n != 1 {
		t.Errorf("%d have the tag", n)
	}
	// Faults and capacity are the file's: a test may make trouble for a program that it starts.
	a.Inject(ec2sim.Fault{Action: "RunInstances", Call: 1, Code: "InternalError"})
	a.SetCapacity(ec2sim.Pool{Type: "c7i.large", Zone: "us-east-1a"}, 3)
	_, err := client(b).RunInstances(t.Context(), some(1))
	wantCode(t, err, "InternalError", http.StatusInternalServerError)
	_, err = client(b).RunInstances(t.Context(), some(1))
	wantCode(t, err, "InsufficientInstanceCapacity", http.StatusInternalServerError)
	b.Reset()
	if n := len(a.Instances()); n != 0 {
		t.Errorf("%d instances after a reset", n)
	}
	run(t, client(a), some(4))
}

func TestTheFileHasEverything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	synctest.Test(t, func(t *testing.T) {
		o := ec2sim.Options{Path: path}
		r := open(t, o)
		image := r.AddImage(ec2sim.ImageSpec{Name: "mine", Tags: map[string]string{"a": "b"}})
		subnet := r.AddSubnet(ec2sim.SubnetSpec{Zone: "us-east-1c", CIDR: "172.31.64.0/24"})
		in := some(10)
		in.ImageId, in.SubnetId = aws.String(image), aws.String(subnet)
		in.TagSpecifications = []types.TagSpecification{{ResourceType: "instance", Tags: []types.Tag{tag("a", "b")}}}
		run(t, client(r), in)
		time.Sleep(20 * time.Second)
		if err := r.Protect(r.Instances()[0], true); err != nil {
			t.Fatal(err)
		}
		look := func(r *ec2sim.Region) string {
			out, err := client(r).DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
			if err != nil {
				t.Fatal(err)
			}
			volumes, err := client(r).DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{})
			if err != nil {
				t.Fatal(err)
			}
			b, err := json.Marshal([]any{out.Reservations, volumes.Volumes})
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		before := look(r)
		if again := look(open(t, o)); again != before || len(before) < 10000 {
			t.Errorf("before %s\nafter %s", before, again)
		}
	})
}

func TestTimeInAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	synctest.Test(t, func(t *testing.T) {
		o := ec2sim.Options{Path: path, Speed: 100}
		r := open(t, o)
		begin := r.Now()
		time.Sleep(30 * time.Second)
		if got := r.Now().Sub(begin); got != 3000*time.Second {
			t.Errorf("%v passed in half a minute", got)
		}
		time.Sleep(10 * time.Minute)
		// A minute at full speed, and the rest as outside.
		if got, want := open(t, o).Now().Sub(begin), 6000*time.Second+9*time.Minute+30*time.Second; got != want {
			t.Errorf("%v passed, want %v", got, want)
		}
	})
}

// A slower process after a faster one does not see an earlier time.
func TestTimeInAFileAtSeveralSpeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "state")
		fast := open(t, ec2sim.Options{Path: path, Speed: 1000})
		run(t, client(fast), some(1))
		time.Sleep(2 * time.Second)
		seen := fast.Now()
		slow := open(t, ec2sim.Options{Path: path, Speed: 100})
		if now := slow.Now(); now.Before(seen) {
			t.Errorf("the slow process sees %s, after the fast one saw %s", now, seen)
		}
		// Once it has written something, its own speed is the region's.
		run(t, client(slow), some(1))
		start := slow.Now()
		time.Sleep(time.Second)
		if passed := slow.Now().Sub(start); passed != 100*time.Second {
			t.Errorf("%s passed in a second at speed 100", passed)
		}
	})
}

func TestAFileThatIsNoState(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	for _, content := range []string{"hello\n", "", "ec2sim-1 1 1 1\n{"} {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ec2sim.Open(ec2sim.Options{Path: path}); err == nil || !strings.Contains(err.Error(), "remove it to start afresh") {
			t.Errorf("%q: got %v", content, err)
		}
	}
	if _, err := ec2sim.Open(ec2sim.Options{}); err == nil {
		t.Error("a file without a name was opened")
	}
}

func TestManyAtOnce(t *testing.T) {
	o := ec2sim.Options{Instant: true, Path: filepath.Join(t.TempDir(), "state")}
	var all sync.WaitGroup
	for range 8 {
		r := open(t, o)
		all.Go(func() {
			for range 3 {
				if _, err := client(r).RunInstances(t.Context(), some(2)); err != nil {
					t.Error(err)
				}
				describe(t, client(r))
			}
		})
	}
	all.Wait()
	if n := len(open(t, o).Instances()); n != 48 {
		t.Errorf("%d instances, want 48", n)
	}
}

// launchForever is the process that TestKilledAtAnyMoment kills: it says what was answered.
func launchForever(path string) {
	r, err := ec2sim.Open(ec2sim.Options{Instant: true, Path: path})
	if err != nil {
		panic(err)
	}
	for {
		out, err := client(r).RunInstances(context.Background(), some(20))
		if err != nil {
			panic(err)
		}
		fmt.Println(strings.Join(ids(out.Instances), " "))
	}
}

func TestMain(m *testing.M) {
	if path := os.Getenv("EC2SIM_LAUNCH_FOREVER"); path != "" {
		launchForever(path)
	}
	os.Exit(m.Run())
}

func TestKilledAtAnyMoment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var answered []string
	for moment := range 4 {
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), "EC2SIM_LAUNCH_FOREVER="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			answered = append(answered, strings.Fields(lines.Text())...)
			if n == 2+moment {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Error("the process ended by itself")
		}
		there := open(t, ec2sim.Options{Instant: true, Path: path}).Instances()
		for _, id := range answered {
			if !slices.Contains(there, id) {
				t.Fatalf("%s was answered and is not there", id)
			}
		}
		if len(there)%20 != 0 {
			t.Errorf("%d instances: a launch was kept in part", len(there))
		}
	}
	if left, err := filepath.Glob(path + "*"); err != nil || len(left) > 3 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
