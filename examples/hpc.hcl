# A head node and tightly coupled compute nodes: one placement group, EFA, all nodes or none.
# The ids are those of the rehearsal; put your own here or give them with --var.

variable "nodes" {
  type        = number
  default     = 16
  description = "compute nodes"
  validation {
    condition     = var.nodes >= 1 && var.nodes <= 1000
    error_message = "Between 1 and 1000 nodes."
  }
}

variable "image" {
  type        = string
  default     = "ami-00000000000202611"
  description = "the image of every node"
}

variable "subnets" {
  type        = list(string)
  default     = ["subnet-0000000000000000b", "subnet-0000000000000000c"]
  description = "tried in order; the compute group is never split over two"
}

variable "security_groups" {
  type        = list(string)
  default     = ["sg-00000000000000def"]
  description = "EFA needs one that allows all traffic to and from itself"
}

cluster "cfd" {
  region = "us-east-1"
  tags   = { project = "wind" }

  image {
    id = var.image
  }

  network {
    subnets         = var.subnets
    security_groups = var.security_groups
    key_name        = "me"
  }

  group "head" {
    instance_type = "c7i.xlarge"
    root_volume {
      size = 100 # GiB
      type = "gp3"
    }
  }

  group "compute" {
    count          = var.nodes
    instance_types = ["hpc7a.96xlarge", "hpc7a.48xlarge"] # in order; one type for the whole group
    placement      = "cluster"
    efa            = true

    user_data = templatefile("boot.sh.tftpl", { role = "compute", nodes = var.nodes })

    launch {
      all     = true # every node, or none and no bill
      timeout = "20m"
    }
  }
}
