package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"cluster/fleet/export"
)

// A job is what a command of the user's is told about the cluster that came up for it.
type job struct {
	File      string // the cluster file, absolute
	Status    statusDoc
	Inventory export.Inventory
	Rehearsal bool
}

// The names of the files in the folder of a job.
const (
	hostsFile     = "hosts"
	inventoryFile = "inventory.json"
	exportFolder  = "export" // with what cluster export writes, a file a format
)

// runningNodes are the nodes that run, in the order of the status.
func (doc statusDoc) runningNodes() (nodes []statusNode, keys []nodeKey) {
	for _, g := range doc.Groups {
		for _, n := range g.Nodes {
			if n.State == "running" {
				nodes, keys = append(nodes, n), append(keys, nodeKey{g.Name, n.Slot})
			}
		}
	}
	return nodes, keys
}

// environment is what a job's command finds in its environment, besides what was there; the files are in dir.
func (j job) environment(dir string) []string {
	nodes, keys := j.Status.runningNodes()
	env := []string{
		"CLUSTER_FILE=" + j.File,
		"CLUSTER_NAME=" + j.Status.Cluster,
		"CLUSTER_REGION=" + j.Status.Region,
		"CLUSTER_NODES=" + foldNodes(keys),
		"CLUSTER_NODE_COUNT=" + strconv.Itoa(len(nodes)),
		"CLUSTER_HOSTS_FILE=" + filepath.Join(dir, hostsFile),
		"CLUSTER_INVENTORY=" + filepath.Join(dir, inventoryFile),
		"CLUSTER_EXPORT=" + filepath.Join(dir, exportFolder),
	}
	if j.Rehearsal {
		env = append(env, "CLUSTER_REHEARSE=1") // so that what the command asks cluster is about these nodes
	}
	return env
}

// hosts are the private addresses of the nodes that run, one a line.
func (j job) hosts() string {
	var b strings.Builder
	nodes, _ := j.Status.runningNodes()
	for _, n := range nodes {
		b.WriteString(n.PrivateIP + "\n")
	}
	return b.String()
}

// inventory is the document of status --json.
func (j job) inventory() []byte {
	var b bytes.Buffer
	(&printer{w: &b}).json(j.Status, true)
	return b.Bytes()
}

// writeFiles makes a folder that only this user can read, and writes the files of the job into it.
func (j job) writeFiles() (dir string, err error) {
	dir, err = os.MkdirTemp("", "cluster-run-")
	if err == nil {
		err = errors.Join(
			os.WriteFile(filepath.Join(dir, hostsFile), []byte(j.hosts()), 0o600),
			os.WriteFile(filepath.Join(dir, inventoryFile), j.inventory(), 0o600),
			os.Mkdir(filepath.Join(dir, exportFolder), 0o700))
		for _, f := range export.Formats {
			err = errors.Join(err, os.WriteFile(filepath.Join(dir, exportFolder, f.File), f.Render(j.Inventory), 0o600))
		}
	}
	if err != nil {
		os.RemoveAll(dir)
		return "", fmt.Errorf("write the files of the job: %w", err)
	}
	return dir, nil
}
