# A cluster with its own shared disk: the head has a volume, and serves it to the compute nodes. It goes with the
# head, and so does all that is on it: for what a job needs while it runs, not for its results.

cluster "cfd" {
  ttl          = "8h"
  set_hostname = true

  image { # with an NFS server and client: nfs-utils, or nfs-kernel-server and nfs-common
    id = "ami-00000000000202611"
  }

  network {
    security_groups = ["sg-00000000000000def"] # lets its own nodes reach TCP port 2049 of each other
  }

  mount "/shared" {
    from = "head"
    volume {
      size       = 500 # GiB
      type       = "gp3"
      throughput = 500
    }
  }

  group "head" {
    instance_type = "c7i.xlarge"
  }

  group "compute" {
    count         = 4
    instance_type = "c7i.large"
  }
}
