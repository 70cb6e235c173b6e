package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// leastGarbage is how many bytes of garbage gather before they are collected. Go collects when there is
// as much garbage as is in use: a server keeps so little from one request to the next that this would be
// several times a second, each time on every processor.
const leastGarbage = 40 << 20

// collectSeldom has Go let leastGarbage gather, and more only where more is in use. What is in use is
// known after each collection.
func collectSeldom() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	debug.SetGCPercent(garbagePercent(live[0].Value.Uint64()))
	runtime.AddCleanup(new([64]byte), func(struct{}) { collectSeldom() }, struct{}{}) // at the next collection
}

// garbagePercent is how much garbage may gather beside so many bytes in use, in percent of them.
func garbagePercent(live uint64) int {
	return int(max(100, leastGarbage*100/max(live, 1<<20)))
}
