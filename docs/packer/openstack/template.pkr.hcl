# An image for OpenStack: Debian's is started and prepared; each server is taken over when it starts for the first time.

packer {
  required_plugins {
    openstack = {
      version = ">= 1.1.2"
      source  = "github.com/hashicorp/openstack"
    }
  }
}

variable "arch" {
  type        = string
  default     = "amd64"
  description = "amd64 or arm64"
}

variable "source_image_name" {
  type        = string
  description = "Debian's image for this architecture, by the name that your cloud gives it"
}

variable "flavor" {
  type = string
}

variable "networks" {
  type        = list(string)
  description = "UUIDs of the networks that the server is attached to"
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

# who you are comes from the variables OS_… of the environment, or from clouds.yaml by OS_CLOUD
source "openstack" "k3os" {
  source_image_name = var.source_image_name
  flavor            = var.flavor
  networks          = var.networks
  ssh_username      = "debian"
  image_name        = "k3os-${var.arch}-{{timestamp}}"
}

build {
  sources = ["source.openstack.k3os"]

  provisioner "file" {
    source      = "${path.root}/config.yaml"
    destination = "/tmp/config.yaml"
  }

  provisioner "shell" {
    inline = [
      "curl -sfLo /tmp/install.sh ${var.release}/install.sh",
      "sudo bash /tmp/install.sh --takeover --tty ttyS0 --config /tmp/config.yaml ${var.options} \"$(findmnt -no SOURCE /)\" ${var.release}/k3os-${var.arch}.iso",
      "sync",
    ]
  }
}
