# One file, two regions. Both sites run the image of the same name, which the second region has as
# a copy: another id and another snapshot there, and every node is proven against those.
#
#   cluster up site.hcl --var-file east.vars.hcl
#   cluster up site.hcl --var-file west.vars.hcl

variable "region" {
  type = string
}

variable "nodes" {
  type = number
}

variable "image_name" {
  type    = string
  default = "hpc-base-2026.11"
}

cluster "forecast" {
  region = var.region
  tags   = { site = var.region }

  image {
    name   = var.image_name
    owners = ["self"] # ours, so that a stranger's image of that name is never taken
  }

  group "model" {
    count          = var.nodes
    instance_types = ["c7i.8xlarge", "r7i.8xlarge"]
    launch {
      timeout = "20m"
    }
  }
}
