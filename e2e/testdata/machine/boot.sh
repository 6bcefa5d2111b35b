# boot.sh DIR ROOT: run Debian's systemd as the first process of a machine of its own: namespaces for processes, mounts,
# names and control groups. Its root is ROOT under a layer that is thrown away, so whatever is installed or removed there
# changes nothing here; what has changed is in /mnt. DIR is /job. The network is that of the caller.
# Writes the number of the first process to DIR/pid. Ends with that process, or when standard input is closed. Needs root.
set -eu
dir=$1
base=$2
if [ "${3:-}" = inside ]; then
	read -r pid _ </proc/self/stat # /proc is still that of the caller
	mount --make-rprivate /
	mount -t tmpfs machine "$dir/layer"
	mkdir "$dir/layer/upper" "$dir/layer/work" "$dir/layer/root"
	root=$dir/layer/root
	mount -t overlay machine -o "lowerdir=$base,upperdir=$dir/layer/upper,workdir=$dir/layer/work" "$root"
	mkdir -p "$root/job"
	mount --bind "$dir" "$root/job"
	mount --bind "$dir/layer/upper" "$root/mnt"
	mount -t proc proc "$root/proc"
	mount -t sysfs -o ro sysfs "$root/sys"
	mount -t cgroup2 cgroup "$root/sys/fs/cgroup"
	for d in run tmp dev; do mount -t tmpfs "$d" "$root/$d"; done
	mkdir -p "$root/dev/pts" "$root/dev/shm"
	for n in null zero full random urandom tty; do
		touch "$root/dev/$n"
		mount --bind "/dev/$n" "$root/dev/$n"
	done
	mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
	ln -s pts/ptmx "$root/dev/ptmx"
	ln -s /proc/self/fd "$root/dev/fd"
	mknod -m 660 "$root/dev/ttyS63" c 4 127
	chgrp dialout "$root/dev/ttyS63"
	rm -f "$root/usr/sbin/policy-rc.d" # packages may start their services
	rm -rf "$root/etc/ringback" "$root/var/lib/ringback" # a daemon of this machine may have left them
	printf '[Unit]\nDescription=nothing\nDefaultDependencies=no\n' >"$root/etc/systemd/system/machine.target"
	echo "$pid" >"$dir/pid.new"
	mv "$dir/pid.new" "$dir/pid"
	mount --make-rshared "$root" # as at a boot: systemd mounts credentials in a namespace of its own
	cd "$root"
	exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin unshare --root="$root" --wd=/ \
		/lib/systemd/systemd --system --unit=machine.target --log-target=console --show-status=no
fi
mkdir -p "$dir/layer" "$dir/cgroups"
mount --make-rprivate /
mount -t cgroup2 cgroup "$dir/cgroups"
group=$dir/cgroups/machine-$$
mkdir "$group"
echo 0 >"$group/cgroup.procs"
unshare --mount --pid --fork --kill-child --uts --ipc --cgroup sh "$0" "$dir" "$base" inside </dev/null &
machine=$!
echo 0 >"$dir/cgroups/cgroup.procs"
exec 3<&0
{ cat <&3 >/dev/null; kill -9 "$machine"; } & # the caller closes the pipe, or has ended
wait "$machine" || true
for _ in 1 2 3 4 5 6 7 8 9 10; do # its processes are ending
	if find "$group" -depth -type d -exec rmdir {} + 2>/dev/null; then break; fi
	sleep 0.3
done
