# A snapshot for Hetzner Cloud: Debian's image is started and prepared; each server is taken over when it starts for the first time.

packer {
  required_plugins {
    hcloud = {
      version = ">= 1.6.0"
      source  = "github.com/hetznercloud/hcloud"
    }
  }
}

variable "arch" {
  type        = string
  default     = "amd64"
  description = "amd64 or arm64"
}

variable "location" {
  type    = string
  default = "fsn1"
}

variable "release" {
  type        = string
  default     = "https://github.com/k3os/k3os/releases/latest/download"
  description = "Where install.sh and the ISO are"
}

variable "options" {
  type        = string
  default     = ""
  description = "More options of install.sh, such as --key for a release of your own"
}

locals {
  server_types = { amd64 = "cx23", arm64 = "cax11" }
}

# the token comes from the variable HCLOUD_TOKEN of the environment
source "hcloud" "k3os" {
  image           = "debian-13"
  location        = var.location
  server_type     = local.server_types[var.arch]
  ssh_username    = "root"
  snapshot_name   = "k3os-${var.arch}-{{timestamp}}"
  snapshot_labels = { os = "k3os" }
}

build {
  sources = ["source.hcloud.k3os"]

  provisioner "file" {
    source      = "${path.root}/config.yaml"
    destination = "/tmp/config.yaml"
  }

  provisioner "shell" {
    inline = [
      "curl -sfLo /tmp/install.sh ${var.release}/install.sh",
      "bash /tmp/install.sh --takeover --tty ttyS0 --config /tmp/config.yaml ${var.options} \"$(findmnt -no SOURCE /)\" ${var.release}/k3os-${var.arch}.iso",
      "sync",
    ]
  }
}
