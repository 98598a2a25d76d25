# Nodes that share storage, know their names, and end by themselves after eight hours.
# Put the ids of your own file systems here, or give them with --var.

variable "home" {
  type        = string
  default     = "fs-0123456789abcdef0"
  description = "a file system of Amazon EFS, with a mount target in the subnet's zone"
}

variable "scratch" {
  type        = object({ id = string, mount_name = string })
  default     = { id = "fs-0fedcba9876543210", mount_name = "2yvbdbmv" }
  description = "a file system of FSx for Lustre"
}

cluster "cfd" {
  ttl          = "8h"
  set_hostname = true # a node calls itself compute-3, not ip-10-0-0-7

  image {
    id = "ami-00000000000202611"
  }

  mount "/home" {
    efs = var.home
  }

  mount "/scratch" {
    fsx        = var.scratch.id
    mount_name = var.scratch.mount_name
  }

  group "head" {
    instance_type = "c7i.xlarge"
    mount "/archive" { # on the head only, and never written to
      nfs       = "10.0.0.5:/export/archive"
      options   = ["nfsvers=4.2"]
      read_only = true
    }
  }

  group "compute" {
    count         = 4
    instance_type = "c7i.large"
    user_data     = <<-EOT
      #!/bin/sh
      # What is mounted is there by now, and this file says who the node is.
      . /etc/cluster/node
      mkdir -p "/scratch/$CLUSTER_NAME/$CLUSTER_NODE"
    EOT
  }
}
