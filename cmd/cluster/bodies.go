package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"time"

	"cluster/fleet/export"

	"github.com/spf13/cobra"
)

// In the folder of a rehearsal whose instances have bodies is this folder, with these files and a folder for each
// instance.
const (
	bodiesFolder  = "bodies"
	bodySettings  = "settings.json"
	bodyKey       = "id_ed25519" // of the rehearsal, for ssh; the other half is in id_ed25519.pub
	bodyConsole   = "console"
	bodyUserData  = "user-data"
	bodyProcess   = "process"
	bodyWork      = "work"
	keeperLock    = "keeper.lock"
	keeperLog     = "keeper.log"
	metadataPort  = 1338 // of the endpoint of instance metadata, at the instance's address
	bodyGrace     = 2 * time.Second
	bodyEvery     = 100 * time.Millisecond // between two looks of the keeper at the region
	keeperSweep   = 10 * time.Second       // between two looks for what instances left
	keeperPatient = 5 * time.Minute        // how long the keeper stays where there is no instance
)

// bodyVariables are what a body finds in its environment.
const (
	envBodyInstance = "CLUSTER_BODY_INSTANCE"
	envBodyNode     = "CLUSTER_BODY_NODE"
	envBodyAddress  = "CLUSTER_BODY_ADDRESS"
	envBodyUserData = "CLUSTER_BODY_USER_DATA"
	envBodyDir      = "CLUSTER_BODY_DIR"
	envBodyPort     = "CLUSTER_BODY_SSH_PORT"
	envMetadata     = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
)

// A bodySpec says what the instances of a rehearsal are. It is kept in the rehearsal's folder, so that whatever
// verb launches an instance there, it gets a body.
type bodySpec struct {
	Program string `json:"program"`              // a key of bodyMakers, or an absolute path
	SSHPort int    `json:"ssh_port"`             // see sshPort
	Slurm   string `json:"slurm_conf,omitempty"` // the configuration of slurmds, an absolute path
}

const bodyHelp = `With --body, each instance of the rehearsal is a real process from when it
runs until it is ended: an sshd, a slurmd, or a program of yours. It has an
address of its own in 127.0.0.0/8 with its metadata service at port 1338, and
what it prints is its console. The README says what is in its environment.`

// bodyFlag adds --body to a verb that launches.
func (a *app) bodyFlag(c *cobra.Command) {
	c.Flags().StringVar(&a.body, "body", "", "make the instances of a rehearsal real: sshd, slurmd, or a `program`")
}

// giveBodies makes the instances of the rehearsal real, from now on.
func (a *app) giveBodies() error {
	program := a.body
	if program == "" {
		return nil
	}
	if !a.rehearse {
		return &usageError{message: "--body is for a rehearsal", hint: "The instances of EC2 are real without it. Add --rehearse."}
	}
	s := bodySpec{Program: program, SSHPort: sshPort()}
	if bodyMakers[program] == nil {
		path, err := findCommand(program)
		if err == nil {
			s.Program, err = filepath.Abs(path)
		}
		if err != nil {
			return &usageError{message: fmt.Sprintf("--body %s: %s", program, err), hint: "It takes sshd, slurmd, or a program's path."}
		}
	}
	if err := bodiesPossible(s.Program); err != nil {
		return err
	}
	if program == "slurmd" {
		var err error
		if s.Slurm, err = a.slurmConfOfBodies(); err != nil {
			return err
		}
	}
	dir, err := a.bodiesDir()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the folder of the bodies: %w", err)
	}
	if s.Program == "sshd" {
		if err := makeBodyKey(dir); err != nil {
			return err
		}
	}
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return replaceFile(filepath.Join(dir, bodySettings), append(text, '\n'), 0o600)
}

// slurmConfOfBodies is the configuration that SLURM_CONF names. Without it a slurmd has no idea what it is.
func (a *app) slurmConfOfBodies() (string, error) {
	conf := a.getenv("SLURM_CONF")
	if conf == "" {
		return "", &usageError{message: "--body slurmd needs a configuration, and SLURM_CONF names none", hint: "cluster slurm conf --rehearse --out DIR FILE writes one. Then: export SLURM_CONF=DIR/slurm.conf"}
	}
	if _, err := os.Stat(conf); err != nil {
		return "", &usageError{message: fmt.Sprintf("--body slurmd: the configuration that SLURM_CONF names cannot be read: %s", rootCause(err))}
	}
	return filepath.Abs(conf)
}

// sshPort is where a body listens for ssh: at its port if this user may, and nobody does so at all addresses.
func sshPort() int {
	l, err := net.Listen("tcp", "127.1.1.1:22")
	if err != nil {
		return 2222
	}
	l.Close()
	return 22
}

// makeBodyKey makes the key pair that opens the bodies of a rehearsal, if it has none.
func makeBodyKey(dir string) error {
	key := filepath.Join(dir, bodyKey)
	if exists(key) {
		return nil
	}
	fresh, err := os.MkdirTemp(dir, ".key-")
	if err != nil {
		return fmt.Errorf("make the key of the rehearsal: %w", err)
	}
	defer os.RemoveAll(fresh)
	made := filepath.Join(fresh, bodyKey)
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "rehearsal", "-f", made).CombinedOutput(); err != nil {
		return fmt.Errorf("make the key of the rehearsal: ssh-keygen: %w %s", err, out)
	}
	// Two at once make one key: a link is not made where there is one. The public half comes first.
	for _, half := range []string{".pub", ""} {
		if err := os.Link(made+half, key+half); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("keep the key of the rehearsal: %w", err)
		}
	}
	return nil
}

func (a *app) bodiesDir() (string, error) {
	dir, err := a.rehearsalDir()
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	return filepath.Join(dir, bodiesFolder), err
}

// bodies says what the instances of the rehearsal are; nil if they are records only.
func (a *app) bodies() (*bodySpec, error) {
	dir, err := a.bodiesDir()
	if err != nil {
		return nil, err
	}
	return readBodies(dir)
}

func readBodies(dir string) (*bodySpec, error) {
	file := filepath.Join(dir, bodySettings)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	s := &bodySpec{}
	if err == nil {
		err = json.Unmarshal(text, s)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w (cluster rehearsal reset starts afresh)", slash(file), err)
	}
	return s, nil
}

// login is how one gets into the nodes: as the user's own ssh says, except for the bodies of a rehearsal, which only
// this user can enter, with the key of the rehearsal.
func (a *app) login() (export.Login, error) {
	if !a.rehearse {
		return export.Login{}, nil
	}
	s, err := a.bodies()
	if s == nil || err != nil {
		return export.Login{}, err
	}
	dir, err := a.bodiesDir()
	if err != nil {
		return export.Login{}, err
	}
	l := export.Login{Port: s.SSHPort}
	if me, err := user.Current(); err == nil {
		l.User = me.Username
	}
	if key := filepath.Join(dir, bodyKey); exists(key) {
		l.IdentityFile = key
	}
	return l, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// wakeBodies sees to it that somebody keeps the bodies of the rehearsal, if it has any.
func (a *app) wakeBodies() error {
	dir, err := a.bodiesDir()
	if err != nil {
		return err
	}
	s, err := readBodies(dir)
	if s == nil || err != nil {
		return err
	}
	// The keeper takes this for a reason to stay.
	now := time.Now()
	if err := os.Chtimes(filepath.Join(dir, bodySettings), now, now); err != nil {
		return fmt.Errorf("wake the bodies of the rehearsal: %w", err)
	}
	return startKeeper(dir, a.env, a.speed)
}

// forgetBodies ends the bodies of the rehearsal, and returns when they are gone.
func (a *app) forgetBodies(ctx context.Context) error {
	dir, err := a.bodiesDir()
	if err != nil {
		return err
	}
	if !exists(dir) {
		return nil
	}
	if err := os.Remove(filepath.Join(dir, bodySettings)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("end the bodies of the rehearsal: %w", err)
	}
	// Without settings, whoever keeps them ends them and goes; nobody may, if it was killed.
	unlock, err := lockKeeper(ctx, dir)
	if err != nil {
		return fmt.Errorf("end the bodies of the rehearsal: %w", err)
	}
	defer unlock()
	k := newKeeper(nil, dir, nil, a.env)
	k.adopt()
	k.endAll()
	return os.RemoveAll(dir)
}

// consoleOf is what the body of an instance has printed. It is empty where there is none.
func consoleOf(dir string) func(instance string) []byte {
	return func(instance string) []byte {
		text, _ := os.ReadFile(filepath.Join(dir, instance, bodyConsole))
		return text
	}
}
