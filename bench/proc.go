package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// field returns the number after "name:" in a file of /proc/PID.
func field(pid int, file, name string) (int, error) {
	path := fmt.Sprintf("/proc/%d/%s", pid, file)
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		if v, ok := strings.CutPrefix(in.Text(), name+":"); ok {
			return strconv.Atoi(strings.Fields(v)[0])
		}
	}
	return 0, fmt.Errorf("%s has no %s", path, name)
}

// pss is a process's memory in KiB, with its share of shared memory.
func pss(pid int) (int, error) { return field(pid, "smaps_rollup", "Pss") }

func threads(pid int) (int, error) { return field(pid, "status", "Threads") }

// stat returns the fields of /proc/PID/stat after the command's name, the state first.
func stat(pid int) ([]string, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	_, rest, ok := strings.Cut(string(data), ") ")
	if !ok {
		return nil, fmt.Errorf("cannot parse /proc/%d/stat", pid)
	}
	return strings.Fields(rest), nil
}

// cpuOf is the CPU time of a process so far, by its clock (clock_getcpuclockid): in nanoseconds, and with the threads
// that have ended.
func cpuOf(pid int) (time.Duration, error) {
	const sched = 2 // CPUCLOCK_SCHED
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|sched), &t); err != nil {
		return 0, fmt.Errorf("CPU of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// children returns the processes below pid, at any depth.
func children(pid int) []int {
	parents := map[int][]int{}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if f, err := stat(n); err == nil && len(f) > 1 {
			ppid, _ := strconv.Atoi(f[1])
			parents[ppid] = append(parents[ppid], n)
		}
	}
	var all []int
	for todo := []int{pid}; len(todo) > 0; todo = todo[1:] {
		all = append(all, parents[todo[0]]...)
		todo = append(todo, parents[todo[0]]...)
	}
	return all
}

// used is the CPU time of this process, or of its children that have ended.
func used(who int) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
