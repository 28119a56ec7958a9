package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
)

// holder names this process among those that share the database: where its
// process number means something (host, boot, process name space), the number,
// and something that no other process has.
func holder() string {
	return fmt.Sprintf("%s/%d/%08x", processSpace(), os.Getpid(), rand.Uint32())
}

// processSpace is within what a process number names one process: two
// containers may share a host name, and a host starts counting anew at boot.
func processSpace() string {
	host, _ := os.Hostname()
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	space, _ := os.Readlink("/proc/self/ns/pid")
	return strings.Join([]string{strings.ReplaceAll(host, "/", "-"), strings.TrimSpace(string(boot)), strings.ReplaceAll(space, "/", "-")}, ",")
}

// dead says for certain that the process that a holder's name names is gone.
// When it cannot be told (another machine, another container), it is not dead,
// and its lease has to lapse.
func dead(name string) bool {
	parts := strings.Split(name, "/")
	if len(parts) != 3 || parts[0] != processSpace() || !strings.Contains(parts[0], "pid:[") {
		return false
	}
	pid, err := strconv.Atoi(parts[1])
	if err != nil || pid <= 1 {
		return false
	}
	return gone(pid)
}
