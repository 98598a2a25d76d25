package spec

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"
)

// An Input is one value, or one file of values, given on the command line.
// Exactly one of its fields is set.
type Input struct {
	Var  string // of --var: name=value
	File string // of --var-file: a path
}

// Options are what Load takes into account besides the cluster file itself.
type Options struct {
	Inputs []Input  // in the order of the command line: a later one wins
	Env    []string // in the form of os.Environ; CLUSTER_VAR_name gives a value to variable name
}

// Sources are the texts that diagnostics may point into, by file name, for excerpts. Values
// given by --var or by the environment are there under names such as "--var nodes".
type Sources = map[string]*hcl.File

// maxFile is the size of a file, in bytes, from which Load takes it for something else.
const maxFile = 1 << 20

// Load reads, evaluates and checks one cluster file, in JSON syntax if its name ends in
// .json. The Cluster is nil if the diagnostics have an error. Diagnostics are sorted by file
// and position; their texts hold no control character, whatever the file holds.
func Load(path string, o Options) (*Cluster, Sources, hcl.Diagnostics) {
	return loadWithin(maxTime, path, o)
}

// loadWithin is Load with a limit on the time it takes.
func loadWithin(most time.Duration, path string, o Options) (*Cluster, Sources, hcl.Diagnostics) {
	return limited(most, newLoader(path, clusterLanguage), func(l *loader) *Cluster { return l.load(path, o) })
}

func newLoader(path string, lang *language) *loader {
	return &loader{dir: filepath.Dir(path), lang: lang, files: Sources{}, evaluated: map[hcl.Range]scoped{}}
}

// limited does the work on one file with a limit on the time it takes.
func limited[T any](most time.Duration, l *loader, work func(*loader) *T) (*T, Sources, hcl.Diagnostics) {
	done := make(chan *T, 1)
	go func() { done <- work(l) }()
	limit := time.NewTimer(most)
	defer limit.Stop()
	select {
	case c := <-done:
		diags := tidy(l.diags, l.files)
		if diags.HasErrors() {
			return nil, l.files, diags
		}
		return c, l.files, diags
	case <-limit.C:
		// The evaluation cannot be stopped from outside and goes on until the program ends,
		// so nothing that it writes to is touched here.
		return nil, Sources{}, hcl.Diagnostics{{
			Severity: hcl.DiagError,
			Summary:  "Evaluation takes too long",
			Detail:   fmt.Sprintf("After %s the value here is still not known. Are there loops within loops?", most),
			Subject:  l.evaluating.Load(),
		}}
	}
}

// maxTime is how long a file may take to be evaluated. Ordinary ones take milliseconds, and
// one with loops within loops would take years.
const maxTime = 5 * time.Second

// A loader is the work on one cluster file or image file. Every step adds its mistakes to diags and goes
// on with what is left, so that one run shows all of them.
type loader struct {
	dir   string // file() and templatefile() read below it
	lang  *language
	files Sources
	diags hcl.Diagnostics

	vars   map[string]*variable
	locals map[string]*local
	ctx    *hcl.EvalContext // var, local and the functions

	evaluating atomic.Pointer[hcl.Range] // what is being evaluated just now
	evaluated  map[hcl.Range]scoped      // what was evaluated, by its place

	bad []hcl.Range // references already reported; what follows from them is not news
}

func (l *loader) load(path string, o Options) *Cluster {
	f := l.parse(path, l.lang.root.name)
	if f == nil {
		return nil
	}
	if isImageFile(f.Body) {
		l.add(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "An image file, not a cluster file",
			Detail:  "The file says how an image is built, which is for cluster image build. A cluster file has a cluster block.",
			Subject: new(f.Body.MissingItemRange())})
		return nil
	}
	content, diags := l.top(f, o)
	clusters := content.Blocks.OfType("cluster")
	if len(clusters) == 0 {
		if !diags.HasErrors() {
			l.errorf(content.MissingItemRange, "No cluster block",
				`A cluster file has one cluster block: cluster "name" { … }.`)
		}
		return nil
	}
	for _, b := range clusters[1:] {
		l.errorf(b.DefRange, "Second cluster block",
			"One file is one cluster, and this file has cluster %q at %s. Move one of them to a file of its own.",
			clusters[0].Labels[0], position(clusters[0].DefRange))
	}
	var c *Cluster
	for _, b := range clusters {
		l.walk(b.Body, clusterBlock, nil)
		if got := l.cluster(b); c == nil {
			c = got
		}
	}
	return c
}

// top reads the top of a file, evaluates its variables and locals and returns its blocks.
func (l *loader) top(f *hcl.File, o Options) (*hcl.BodyContent, hcl.Diagnostics) {
	content, diags := f.Body.Content(l.lang.root.schema())
	l.add(l.explainStructure(diags, l.lang.root)...)
	l.ctx = &hcl.EvalContext{Functions: l.functions()}
	l.declareVariables(content.Blocks.OfType("variable"))
	l.assignVariables(o)
	l.declareLocals(content.Blocks.OfType("locals"))
	l.evalLocals()
	return content, diags
}

// parse reads a file and parses it in the syntax its name says. It returns nil if the file
// cannot be read or has a syntax error: what follows from half a file would be noise.
func (l *loader) parse(path, what string) *hcl.File {
	src, err := readLimited(path)
	if err != nil {
		l.add(&hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  "Cannot read the " + what,
			Detail:   fmt.Sprintf("The %s %q cannot be read: %s.", what, path, plainError(err)),
		})
		return nil
	}
	l.files[path] = &hcl.File{Bytes: src}
	check, parse := checkNesting, parseNative
	if strings.HasSuffix(path, ".json") {
		check, parse = checkJSONNesting, json.Parse
	}
	if d := check(src, path); d != nil {
		l.add(d)
		return nil
	}
	f, diags := parse(src, path)
	if f != nil {
		l.files[path] = f
	}
	l.add(firstPerLine(diags)...)
	if diags.HasErrors() {
		return nil
	}
	return f
}

func parseNative(src []byte, path string) (*hcl.File, hcl.Diagnostics) {
	return hclsyntax.ParseConfig(src, path, hcl.InitialPos)
}

// readLimited reads a regular file of at most maxFile bytes.
func readLimited(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	switch {
	case info.IsDir():
		return nil, errors.New("it is a folder, not a file")
	case info.Size() > maxFile:
		return nil, fmt.Errorf("it has %d bytes, and %d are the most that cluster reads", info.Size(), maxFile)
	}
	src, err := os.ReadFile(path)
	if err == nil && len(src) > maxFile {
		err = fmt.Errorf("it has more than %d bytes", maxFile)
	}
	return src, err
}

// plainError is the reason of a file error without the operation and the path, which the
// message around it names.
func plainError(err error) string {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err.Error()
	}
	return err.Error()
}
