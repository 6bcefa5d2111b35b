#!/bin/sh
# mkroot.sh DIR: the root of a computer that runs in user-mode-linux, with busybox, pppd and the kernel's PPP. It is
# served by hostfs and needs no image. Debian packages: user-mode-linux busybox-static ppp.
set -e
d=$1
mkdir -p "$d/bin" "$d/dev" "$d/proc" "$d/sys" "$d/tmp" "$d/run" "$d/var/run" "$d/job" "$d/etc/ppp" "$d/sbin" "$d/mod"
busybox=$(command -v busybox)
cp "$busybox" "$d/bin/busybox"
for applet in $(busybox --list); do
	[ "$applet" = busybox ] || ln -s busybox "$d/bin/$applet"
done
cp /usr/sbin/pppd /usr/sbin/chat "$d/sbin/"
chmod 755 "$d/sbin/pppd" # not setuid: the owner on hostfs is not always root
for lib in $(ldd /usr/sbin/pppd /usr/sbin/chat "$busybox" | grep -o '/[^ ]*\.so[^ ]*' | sort -u); do
	mkdir -p "$d$(dirname "$lib")"
	cp -L "$lib" "$d$lib"
done
for module in slhc crc-ccitt ppp_generic ppp_async ipv6; do
	find /usr/lib/uml/modules -name "$module.ko" -exec cp {} "$d/mod/" \;
	[ -f "$d/mod/$module.ko" ] || { echo "user-mode-linux has no module $module"; exit 1; }
done
echo 'root:x:0:0:root:/:/bin/sh' >"$d/etc/passwd"
cat >"$d/init" <<'END'
#!/bin/sh
export PATH=/bin:/sbin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /var/run
for module in slhc crc-ccitt ppp_generic ppp_async ipv6; do insmod /mod/$module.ko; done
ip link set lo up && echo READY
job=$(sed 's/.*job=\([^ ]*\).*/\1/' /proc/cmdline)
mount -t hostfs none /job -o "$job"
sh /job/job.sh
poweroff -f
END
chmod 755 "$d/init"
