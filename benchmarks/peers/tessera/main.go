// Command tessera-peer does with Tessera what the ledger does, and says how long it took.
//
// Its first argument names the work. A job comes as JSON on standard input, figures go as JSON to standard output;
// `serve` announces its port instead and runs until SIGTERM. Only the work is timed: opening the log, reading the
// leaves and starting the process are not.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"
)

// Figures are what a job gave, by metric; a metric's name is its unit.
type Figures map[string]float64

// Job is what to do. Each kind of work reads the members that it needs.
type Job struct {
	Log        string   `json:"log"`         // the folder of a Tessera log, or of any log exported as tlog-tiles
	Leaves     string   `json:"leaves"`      // a file of leaves, each after its length in two bytes (big endian)
	Keys       string   `json:"keys"`        // a file with a signer key, its verifier key in KEYS.pub; made where missing
	Batch      uint     `json:"batch"`       // entries after which Tessera writes at once
	AgeMs      uint     `json:"age_ms"`      // how long it waits for a batch to fill
	IntervalMs uint     `json:"interval_ms"` // between two checkpoints; Tessera refuses less than 100
	Clients    int      `json:"clients"`
	Seconds    float64  `json:"seconds"`
	Port       int      `json:"port"`
	Indexes    []uint64 `json:"indexes"`
	Warm       bool     `json:"warm"` // proofs: one builder for all, its cache filled before
}

var works = map[string]func(Job) (Figures, error){
	"append":  appendLeaves,
	"publish": awaitPublication,
	"load":    loadServer,
	"prove":   buildProofs,
	"verify":  verifyProofs,
	"serve":   serveLog,
}

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "tessera-peer: %v\n", err)
		os.Exit(1)
	}
}

func run(words []string) error {
	if len(words) != 1 || works[words[0]] == nil {
		return fmt.Errorf("expected one of append, publish, load, prove, verify, serve; got %q", words)
	}
	var job Job
	decoder := json.NewDecoder(os.Stdin)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&job); err != nil {
		return fmt.Errorf("read the job: %w", err)
	}
	figures, err := works[words[0]](job)
	if err != nil {
		return fmt.Errorf("%s: %w", words[0], err)
	}
	return json.NewEncoder(os.Stdout).Encode(figures)
}

// rate counts things done since begun, per second.
func rate(done int, begun time.Time) float64 {
	return float64(done) / time.Since(begun).Seconds()
}

// atOnce runs all clients side by side and gathers how long each of their requests took.
func atOnce(clients int, run func(client int) ([]time.Duration, error)) ([]time.Duration, error) {
	taken := make([][]time.Duration, clients)
	failures := make([]error, clients)
	var running sync.WaitGroup
	for client := range clients {
		running.Add(1)
		go func() {
			defer running.Done()
			taken[client], failures[client] = run(client)
		}()
	}
	running.Wait()
	all := slices.Concat(taken...)
	if err := errors.Join(failures...); err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errors.New("no request was finished in time")
	}
	return all, nil
}

// latencies gives the median and the 99th percentile by the nearest rank, as benchmarks.comparison does.
func latencies(taken []time.Duration) Figures {
	slices.Sort(taken)
	at := func(share float64) float64 {
		rank := min(len(taken)-1, int(share*float64(len(taken))))
		return float64(taken[rank].Microseconds()) / 1000
	}
	return Figures{"p50 ms": at(0.5), "p99 ms": at(0.99)}
}
