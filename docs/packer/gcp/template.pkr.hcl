# An image for Compute Engine: Debian's is started and prepared; each machine is taken over when it starts for the first time.

packer {
  required_plugins {
    googlecompute = {
      version = ">= 1.1.0"
      source  = "github.com/hashicorp/googlecompute"
    }
  }
}

variable "project" {
  type        = string
  description = "The project that builds and keeps the image"
}

variable "zone" {
  type    = string
  default = "us-central1-a"
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

source "googlecompute" "k3os" {
  project_id              = var.project
  zone                    = var.zone
  machine_type            = "e2-small"
  source_image_family     = "debian-13"
  source_image_project_id = ["debian-cloud"]
  ssh_username            = "packer"
  image_name              = "k3os-amd64-{{timestamp}}"
  image_family            = "k3os"
}

build {
  sources = ["source.googlecompute.k3os"]

  provisioner "file" {
    source      = "${path.root}/config.yaml"
    destination = "/tmp/config.yaml"
  }

  provisioner "shell" {
    inline = [
      "curl -sfLo /tmp/install.sh ${var.release}/install.sh",
      "sudo bash /tmp/install.sh --takeover --tty ttyS0 --config /tmp/config.yaml ${var.options} \"$(findmnt -no SOURCE /)\" ${var.release}/k3os-amd64.iso",
      "sync",
    ]
  }
}
