// Package export writes what runs jobs, and what looks after machines, reads: host files of MPI, the nodes of
// Slurm, inventories of Ansible, and more. All of it comes from one value, the inventory of a cluster, and
// each format is a pure function of it.
//
// Names in an inventory are the file's own, which are host names; whatever else comes from EC2 is taken
// only if it is made of the letters of host names. So nothing in a file needs escaping, and tags are not
// exported at all.
package export
