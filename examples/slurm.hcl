# A cluster for Slurm: a head that runs slurmctld, two nodes that are always there, and up to 64 more
# that Slurm launches when jobs wait, and ends when none has needed them for a while.
#
#   cluster up slurm.hcl
#   cluster slurm conf slurm.hcl --out /etc/slurm     on the head

variable "controller" {
  type        = string
  default     = "head.example.internal"
  description = "the head, by a name or address that the nodes reach it by"
}

locals {
  # The host name of a node is its name, so slurmd knows which node it is. Its configuration is the head's.
  join = <<-EOT
    #!/bin/sh
    slurmd --conf-server ${var.controller}
  EOT
}

cluster "lab" {
  region       = "us-east-1"
  set_hostname = true

  image {
    id = "ami-00000000020261105" # of the rehearsal; yours has munge with the cluster's key, and slurmd
  }

  group "head" {
    instance_type    = "c7i.xlarge"
    instance_profile = "slurm-head" # may do what cluster policy says
  }

  group "compute" {
    count         = 2
    instance_type = "c7i.2xlarge"
    user_data     = local.join
    slurm {
      partition = "work"
      features  = ["static"]
      weight    = 1 # used first
    }
  }

  group "burst" {
    count         = 64 # at most
    instance_type = "c7i.2xlarge"
    ttl           = "24h" # should everything that could end a node be gone
    user_data     = local.join
    slurm {
      burst     = true
      partition = "work"
      features  = ["cloud"]
    }
  }
}
