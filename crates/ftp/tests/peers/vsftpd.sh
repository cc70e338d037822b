#!/bin/sh
# vsftpd for FOLDER/root at a port of this machine, until it is killed.
#
# sh vsftpd.sh FOLDER PORT
mkdir -p "$1/empty"
cat >"$1/vsftpd.conf" <<END
listen=YES
background=NO
listen_address=127.0.0.1
listen_port=$2
run_as_launching_user=YES
nopriv_user=$(id -un)
secure_chroot_dir=$1/empty
anonymous_enable=YES
anon_root=$1/root
allow_writeable_chroot=YES
local_enable=NO
write_enable=YES
anon_upload_enable=YES
anon_other_write_enable=YES
anon_world_readable_only=NO
connect_from_port_20=NO
seccomp_sandbox=NO
one_process_model=YES
END
PATH=$PATH:/usr/sbin exec vsftpd "$1/vsftpd.conf"
