package spec

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// A Mount is storage that several nodes share, and where they see it.
type Mount struct {
	Path     string    // where, absolute and clean
	Kind     MountKind // what it is
	From     string    // server:/export of NFS, the id of the file system, or the group that has the volume
	Name     string    // the mount name of FSx for Lustre
	Options  []string  // after those of the kind; of options that contradict each other the last counts
	ReadOnly bool
	Volume   RootVolume // of MountVolume
	Source   Source
}

// MountKind is what shared storage is.
type MountKind string

const (
	MountNFS MountKind = "nfs" // any NFS server
	MountEFS MountKind = "efs" // Amazon EFS
	MountFSx MountKind = "fsx" // Amazon FSx for Lustre

	// MountVolume is a volume of the one node of a group, which serves it to the others over NFS. It is made and
	// deleted with that node, and what is on it goes with it.
	MountVolume MountKind = "from"
)

// driver is the type of file system that mount(8) is given.
func (k MountKind) driver() string {
	return map[MountKind]string{MountNFS: "nfs", MountEFS: "nfs4", MountFSx: "lustre", MountVolume: "nfs4"}[k]
}

// defaults are the options of a kind. Those of EFS are what "Recommended NFS mount options" in the Amazon EFS
// User Guide has (efs/latest/ug/mounting-fs-nfs-mount-settings.html), and those of Lustre what "Mounting from
// an Amazon EC2 instance" in the FSx for Lustre User Guide has (fsx/latest/LustreGuide/mounting-ec2-instance.html).
// Of another NFS server little is known: noresvport, for one, is refused by those that want a port below 1024.
// With _netdev a node that starts again waits for its network first.
func (k MountKind) defaults() []string {
	switch k {
	case MountEFS:
		return []string{"nfsvers=4.1", "rsize=1048576", "wsize=1048576", "hard", "timeo=600", "retrans=2", "noresvport", "_netdev"}
	case MountFSx:
		return []string{"relatime", "flock", "_netdev"}
	default:
		return []string{"hard", "_netdev"}
	}
}

// allOptions are the options of a mount, in their order.
func (m *Mount) allOptions() []string {
	o := slices.Concat(m.Kind.defaults(), m.Options)
	if m.ReadOnly {
		o = append(o, "ro")
	}
	return o
}

// mounts decodes the mount blocks of a cluster or a group, which come on top of outer ones: one with the
// same path takes the other's place. They are sorted by path, so that what lies inside another comes after it.
func (l *loader) mounts(content *hcl.BodyContent, outer []Mount) []Mount {
	all := slices.Clone(outer)
	seen := map[string]hcl.Range{}
	for _, b := range content.Blocks.OfType(mountBlock.name) {
		m := l.mount(b)
		if before, ok := seen[m.Path]; ok {
			l.errorf(b.LabelRanges[0], "Duplicate mount", "There is a mount %s at %s already.", quote(m.Path), position(before))
			continue
		}
		seen[m.Path] = b.LabelRanges[0]
		all = slices.DeleteFunc(all, func(o Mount) bool { return o.Path == m.Path })
		all = append(all, m)
	}
	slices.SortFunc(all, func(x, y Mount) int { return strings.Compare(x.Path, y.Path) })
	return all
}

func (l *loader) mount(b *hcl.Block) Mount {
	a, content := l.open(b, b.Body, mountBlock)
	m := Mount{Path: b.Labels[0], Source: a.src}
	l.checkMountPath(m.Path, b.LabelRanges[0])
	var given []string
	for _, k := range []MountKind{MountNFS, MountEFS, MountFSx, MountVolume} {
		if a.has(string(k)) {
			given = append(given, string(k))
			m.Kind = cmp.Or(m.Kind, k)
		}
	}
	switch len(given) {
	case 0:
		a.missing("Nothing to mount", `The mount block does not say what is mounted. Add nfs = "server:/export", efs = "fs-…", fsx = "fs-…" with its mount_name, or from = "head" with a volume.`)
	case 1:
		m.From = l.mountFrom(a, m.Kind)
	default:
		l.errorf(a.attrs[given[1]].Range, "Several things in one mount", "A mount block has one of nfs, efs, fsx and from, and this has %s. Write a block for each.", join(given, "and"))
	}
	m.Name = l.mountName(a, m.Kind)
	m.Volume = l.mountVolume(a, content, m.Kind)
	for _, t := range a.texts("options") {
		l.checkMountOption(t)
		m.Options = append(m.Options, t.string)
	}
	m.ReadOnly, _ = a.flag("read_only")
	return m
}

// mountFrom reads what is mounted.
func (l *loader) mountFrom(a *args, k MountKind) string {
	t, ok := a.text(string(k))
	switch {
	case !ok:
	case k == MountNFS:
		l.checkExport(t)
	case k == MountVolume:
		// Whether there is such a group is known when all are read.
	case dnsName.MatchString(t.string):
		id, _, _ := strings.Cut(t.string, ".")
		l.errorf(t.at, "Malformed file system id", "%s is a name in the DNS. Write the id, %s: nodes work out the rest.", quote(t.string), quote(id))
	default:
		l.checkID(t, "fs")
	}
	return t.string
}

var (
	// dnsName is the name of a file system in the DNS.
	dnsName = regexp.MustCompile(`^fs-[0-9a-f]+\.`)
	// A path and an option go into /etc/fstab, which parts its fields by spaces, and into a shell.
	mountPathForm   = regexp.MustCompile(`^(/[\w.+@-]+)+$`)
	mountNameForm   = regexp.MustCompile(`^[A-Za-z0-9_-]{1,8}$`)
	mountOptionForm = regexp.MustCompile(`^[\w.:/@+%=-]+$`)
	serverForm      = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])$`)
	exportForm      = regexp.MustCompile(`^/[\w.+@/-]*$`)
)

// systemPaths are where a node has itself: whoever mounts over them has no node any more.
var systemPaths = []string{"/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/root", "/run", "/sbin", "/sys", "/tmp", "/usr", "/var"}

func (l *loader) checkMountPath(path string, at hcl.Range) {
	words := strings.Split(path, "/")
	switch {
	case path != "/" && strings.HasSuffix(path, "/") && mountPathForm.MatchString(strings.TrimRight(path, "/")):
		l.errorf(at, "Invalid mount path", "%s ends with a slash. Write %q.", quote(path), strings.TrimRight(path, "/"))
	case !strings.HasPrefix(path, "/") && mountPathForm.MatchString("/"+path):
		l.errorf(at, "Invalid mount path", "A mount is named by the folder where nodes see it, an absolute path. Did you mean %q?", "/"+path)
	case path == "/" || slices.Contains(systemPaths, path) || slices.ContainsFunc(words, func(w string) bool { return w == "." || w == ".." }):
		l.errorf(at, "Invalid mount path", `Nothing can be mounted at %s: it takes a folder of its own, such as "/shared".`, quote(path))
	case !mountPathForm.MatchString(path):
		l.errorf(at, "Invalid mount path", "%s is not the path of a folder: an absolute path of letters, digits and . _ + @ -.", quote(path))
	}
}

// checkExport checks what stands for an NFS server and what it exports.
func (l *loader) checkExport(t text) {
	server, export, ok := strings.Cut(t.string, ":/")
	export = "/" + export
	switch {
	case dnsName.MatchString(t.string) && strings.Contains(t.string, ".efs."), idForm.MatchString(t.string):
		id, _, _ := strings.Cut(t.string, ".")
		l.errorf(t.at, "Invalid nfs", "That is a file system of Amazon EFS. Write efs = %q: it has mount options of its own.", id)
	case !ok:
		l.errorf(t.at, "Invalid nfs", `%s does not say what is mounted. Write the server and the folder that it exports: "10.0.0.5:/export/home".`, quote(t.string))
	case !serverForm.MatchString(server):
		l.errorf(t.at, "Invalid nfs", "%s is neither a host name nor an address; one of version 6 stands in brackets.", quote(server))
	case !exportForm.MatchString(export):
		l.errorf(t.at, "Invalid nfs", "%s is not the path of a folder: letters, digits and / . _ + @ -.", quote(export))
	}
}

// mountName reads the name that FSx for Lustre gave to a file system.
func (l *loader) mountName(a *args, k MountKind) string {
	t, ok := a.text("mount_name")
	switch {
	case !a.has("mount_name"):
		if k == MountFSx {
			a.missing("No mount_name", `A file system of FSx for Lustre is mounted by its id and its mount name, such as "fsx" or "2yvbdbmv"; aws fsx describe-file-systems shows it as MountName. Add mount_name. One of FSx for OpenZFS or ONTAP is mounted with nfs.`)
		}
	case k != MountFSx && k != "":
		l.errorf(a.attrs["mount_name"].Range, "mount_name without fsx", "Only file systems of FSx for Lustre have a mount name, and this is %s.", k)
	case ok && !mountNameForm.MatchString(t.string):
		l.errorf(t.at, "Invalid mount_name", "%s is not a mount name: at most 8 letters, digits, _ and -.", quote(t.string))
	}
	return t.string
}

func (l *loader) checkMountOption(t text) {
	switch {
	case t.string == "ro" || t.string == "rw":
		l.errorf(t.at, "Invalid option", "Write read_only = %t.", t.string == "ro")
	case strings.Contains(t.string, ","):
		l.errorf(t.at, "Invalid option", "%s has a comma in it. Options are the elements of the list.", quote(t.string))
	case !mountOptionForm.MatchString(t.string):
		l.errorf(t.at, "Invalid option", "%s is not an option of mount: letters, digits and _ . : / @ + %% = -.", quote(t.string))
	}
}

// source is what is mounted, as a word of a shell that knows the region and the domain of its names, and the
// address of the node that serves.
func (m *Mount) source() string {
	switch m.Kind {
	case MountEFS:
		return fmt.Sprintf(`"%s.efs.$region.$domain:/"`, m.From)
	case MountFSx:
		return fmt.Sprintf(`"%s.fsx.$region.$domain@tcp:/%s"`, m.From, m.Name)
	case MountVolume:
		return `"$server:` + m.Path + `"`
	default:
		return shellWord(m.From)
	}
}

// shellWord is a string as one word of a shell.
func shellWord(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
