#!/bin/sh
# A postfix of its own, as root, in the foreground: everything that it touches
# is in the folder given. Letters for anybody at example.org go to its Maildir
# `mail`. It says when it is ready, and when a letter is delivered.
set -eu
folder=$1
mkdir -p "$folder/etc" "$folder/queue" "$folder/data" "$folder/mail"
chmod 755 "$folder"
chown postfix "$folder/data"
chown nobody "$folder/mail"
port=$(python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat > "$folder/etc/main.cf" <<C
compatibility_level = 3.6
queue_directory = $folder/queue
data_directory = $folder/data
maillog_file = $folder/mail.log
maillog_file_prefixes = $folder
mail_owner = postfix
myhostname = localhost
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
virtual_mailbox_domains = example.org
virtual_mailbox_base = $folder
virtual_mailbox_maps = static:mail/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_minimum_uid = 100
default_transport = error:nothing leaves this machine
alias_maps =
alias_database =
C
sed -e "s/^smtp      inet.*/127.0.0.1:$port inet n - n - - smtpd/" \
    -e 's/^\([a-z][a-z-]* *\(unix\|fifo\|inet\) *[-ny] *[-ny] *\)y/\1n/' \
    /etc/postfix/master.cf > "$folder/etc/master.cf"
grep -q ^postlog "$folder/etc/master.cf" ||
    echo 'postlog unix-dgram n - n - 1 postlogd' >> "$folder/etc/master.cf"
postfix -c "$folder/etc" check
daemons=$(postconf -c "$folder/etc" -h daemon_directory)
# postfix tells both in its log only.
: >"$folder/mail.log"
tail -n +1 -f --pid=$$ "$folder/mail.log" |
    sed -un "s/.*daemon started.*/Ready at 127.0.0.1:$port/p; /status=sent/p" &
exec "$daemons/master" -c "$folder/etc" -d
