package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// envBodyNamed says that the body may give its machine a host name.
const envBodyNamed = "CLUSTER_BODY_NAMED"

// bodyMakers make the bodies that come with the program: each adds to a command that is the daemon of its name what
// that needs to be this machine. What they write is on its console.
var bodyMakers = map[string]func(*app, *exec.Cmd) error{
	"sshd":   (*app).sshdBody,
	"slurmd": (*app).slurmdBody,
}

func (a *app) bodyCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "body PROGRAM",
		Short:  "Be an instance of a rehearsal",
		Long:   "What the keeper of the bodies starts for each instance.",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE:   func(c *cobra.Command, args []string) error { return a.runBody(c.Context(), args[0]) },
	}
}

// findDaemon is where a daemon is; few users have the folders of those on their PATH.
func findDaemon(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return filepath.Abs(path)
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", &usageError{message: "there is no " + name + " on this computer", hint: "--body " + name + " starts the real one. Install it, or leave --body out."}
}

// sshdBody is an OpenSSH server for this user, with a host key of its own, which it prints as cloud-init does. The
// key of the rehearsal opens it. Where it may, it listens at the port of ssh.
func (a *app) sshdBody(cmd *exec.Cmd) error {
	dir := a.getenv(envBodyDir)
	key := filepath.Join(dir, "ssh_host_ed25519_key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "root@"+a.getenv(envBodyNode), "-f", key).CombinedOutput(); err != nil {
		return fmt.Errorf("make the host key: ssh-keygen: %w %s", err, out)
	}
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		return fmt.Errorf("read the host key: %w", err)
	}
	if err := writeOwn(dir); err != nil {
		return err
	}
	if os.Geteuid() == 0 {
		// Its packages make this folder when the service starts.
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			return fmt.Errorf("make the folder that sshd needs: %w", err)
		}
	}
	settings := filepath.Join(dir, "sshd_config")
	text := strings.Join([]string{
		"ListenAddress " + a.getenv(envBodyAddress) + ":" + a.getenv(envBodyPort),
		"HostKey " + sshWord(key),
		"AuthorizedKeysFile " + sshPath(filepath.Join(dir, "..", "..", bodyKey+".pub")),
		"PidFile none",
		"StrictModes no", // who owns the folders above is not the machine's business
		"UsePAM no",
		"PasswordAuthentication no",
		"KbdInteractiveAuthentication no",
		"PermitRootLogin prohibit-password",
		"PrintMotd no",
		"MaxStartups 100:30:200",
		"Subsystem sftp internal-sftp",
		"SetEnv " + strings.Join([]string{
			sshWord("CLUSTER_NODE=" + a.getenv(envBodyNode)), sshWord(envBodyDir + "=" + dir), sshWord(envMetadata + "=" + a.getenv(envMetadata)),
		}, " "),
	}, "\n") + "\n"
	if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write the settings of sshd: %w", err)
	}
	cmd.Args = append(cmd.Args, "-D", "-e", "-f", settings)
	a.out.Write([]byte("-----BEGIN SSH HOST KEY KEYS-----\n" + string(public) + "-----END SSH HOST KEY KEYS-----\n"))
	return nil
}

// writeOwn writes what a machine has for itself and shares with the computer here: cluster verify looks for it in
// the folder of the body.
func writeOwn(dir string) error {
	id := make([]byte, 32)
	rand.Read(id)
	for name, text := range map[string]string{
		"machine-id": fmt.Sprintf("%x\n", id[:16]),
		"boot_id":    fmt.Sprintf("%x-%x-%x-%x-%x\n", id[16:20], id[20:22], id[22:24], id[24:26], id[26:]),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("write the %s: %w", name, err)
		}
	}
	return nil
}

// slurmdBoot is how long the machine of a slurmd boots. Slurm counts in seconds, slurmd is off by up to two of them, and
// a node that seems to have booted before Slurm asked for it is not taken for the one that it asked for.
const slurmdBoot = 2 * time.Second

// slurmdBody is the slurmd of a node, as the slurm.conf has it that SLURM_CONF named when the rehearsal got its bodies.
func (a *app) slurmdBody(cmd *exec.Cmd) error {
	time.Sleep(slurmdBoot)
	// To Slurm the machine has booted only now, whenever this computer has.
	cmd.Args = append(cmd.Args, "-D", "-b", "-N", a.getenv(envBodyNode))
	return nil
}

// sshWord is a path as the settings of OpenSSH take it.
func sshWord(s string) string { return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"` }
