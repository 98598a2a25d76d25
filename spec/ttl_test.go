package spec

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A node ends when its own time is over, and not that of the node whose image it was made from.
func TestTimerCountsFromTheNodesOwnBoot(t *testing.T) {
	for _, tc := range []struct {
		name, whose string
		age         time.Duration
		ends        bool
	}{
		{"young", "i-own", time.Minute, false},
		{"old", "i-own", 2 * time.Hour, true},
		{"captured from an old node", "i-other", 2 * time.Hour, false},
		{"first boot", "", 0, false},
	} {
		dir := t.TempDir()
		if tc.whose != "" {
			born := fmt.Sprint(time.Now().Add(-tc.age).Unix())
			if err := os.WriteFile(filepath.Join(dir, "cluster-born-"+tc.whose), []byte(born), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		fakes := fmt.Sprintf(`
curl() { case "$*" in *instance-id) echo i-own ;; *cluster:ttl) echo 1h0m0s ;; *) echo token ;; esac; }
shutdown() { echo "$*" >%[1]s/power; }
sleep() { exit; }
`, dir)
		text := fakes + strings.ReplaceAll(timer, "/var/lib/", dir+"/")
		text = strings.Replace(text, ") </dev/null >/dev/null 2>&1 &", ")", 1)
		if out, err := exec.Command("sh", "-c", text).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", tc.name, err, out)
		}
		_, err := os.Stat(filepath.Join(dir, "power"))
		if (err == nil) != tc.ends {
			t.Errorf("%s: it ends: %v, want %v", tc.name, err == nil, tc.ends)
		}
		if _, err := os.Stat(filepath.Join(dir, "cluster-born-i-own")); err != nil {
			t.Errorf("%s: its birth is not written down", tc.name)
		}
	}
}
