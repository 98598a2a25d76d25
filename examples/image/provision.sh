#!/bin/bash
# Runs on the builder as root; what it writes is on the builder's console. A version of everything is named,
# so that the script makes the same image next year, or fails and says what is gone.
set -euo pipefail

efa=1.38.0

dnf install -y gcc gcc-c++ gcc-gfortran make environment-modules

cd "$(mktemp -d)"
curl -fsS --retry 5 -O "https://efa-installer.amazonaws.com/aws-efa-installer-$efa.tar.gz"
tar -xzf "aws-efa-installer-$efa.tar.gz"
(cd aws-efa-installer && ./efa_installer.sh --yes --skip-limit-conf --mpi=openmpi5)

# What MPI over EFA wants: memory that may be locked, and processes of a node that may read each other's.
printf '* soft memlock unlimited\n* hard memlock unlimited\n' >/etc/security/limits.d/mpi.conf
echo 'kernel.yama.ptrace_scope = 0' >/etc/sysctl.d/60-mpi.conf

/opt/amazon/efa/bin/fi_info --version
