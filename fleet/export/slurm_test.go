package export_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestProgramSlurm lets a real slurmctld read the nodes and partitions. The nodes are not there, so it says
// nothing of their state.
func TestProgramSlurm(t *testing.T) {
	needs(t, "slurmctld", "munged", "sinfo")
	if os.Getuid() != 0 {
		t.Skip("not tried: slurmctld runs as root here")
	}
	dir := folder(t)
	daemon := func(args ...string) {
		ctx, cancel := context.WithCancel(context.Background())
		c := exec.CommandContext(ctx, args[0], args[1:]...)
		c.Dir, c.Env = dir, append(os.Environ(), "SLURM_CONF="+filepath.Join(dir, "slurm.conf"))
		log, err := os.Create(filepath.Join(dir, args[0]+".out"))
		if err != nil {
			t.Fatal(err)
		}
		c.Stdout, c.Stderr = log, log
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			cancel()
			c.Wait()
			log.Close()
			if text, _ := os.ReadFile(log.Name()); t.Failed() {
				t.Logf("%s says\n%s", args[0], text)
			}
		})
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(in("munge.key"), []byte(strings.Repeat("rehearse", 128)), 0o400); err != nil {
		t.Fatal(err)
	}
	nodes, err := os.ReadFile(in("slurm-nodes.conf"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, in("slurm.conf"), fmt.Sprintf(`ClusterName=demo
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=%s
SlurmUser=root
AuthInfo=socket=%s
StateSaveLocation=%s
SlurmctldPidFile=%s
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MailProg=/bin/true
%s`, freePort(t), in("munge.sock"), in("state"), in("slurmctld.pid"), nodes))
	if err := os.Mkdir(in("state"), 0o700); err != nil {
		t.Fatal(err)
	}
	daemon("munged", "--foreground", "--force", "--key-file", in("munge.key"), "--socket", in("munge.sock"), "--pid-file", in("munged.pid"), "--seed-file", in("munge.seed"))
	env := []string{"SLURM_CONF=" + in("slurm.conf"), "HOME=" + dir}
	until := func(what string) string {
		return "for i in $(seq 100); do " + what + " && exit 0; sleep 0.1; done; exit 1"
	}
	call(t, dir, env, "sh", "-c", until("[ -S munge.sock ]"))
	daemon("slurmctld", "-D", "-i")
	out := call(t, dir, env, "sh", "-c", until("sinfo -h -N -o '%N %R %c %m %G %o' 2>/dev/null"))
	var got []string
	for line := range strings.Lines(out) {
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	same(t, got, []string{
		"head-0 head 2 7782 (null) 10.77.0.10",
		"compute-0 compute 4 9500 gpu:h100:2 10.77.0.20", "compute-1 compute 4 9500 gpu:h100:2 10.77.0.21",
		"compute-2 compute 4 9500 gpu:h100:2 10.77.0.22", "compute-3 compute 4 9500 gpu:h100:2 10.77.0.23",
	})
	if p := strings.TrimSpace(call(t, dir, env, "sh", "-c", "sinfo -h -o %P | grep '\\*'")); p != "compute*" {
		t.Errorf("the standard partition is %s", p)
	}
}

// freePort is a port of the loopback that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
