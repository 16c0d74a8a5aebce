package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

const origin = "benchmark.example/tessera"

// openLog is a Tessera log on POSIX files, being written. Tessera syncs each file and folder that it writes.
type openLog struct {
	appender *tessera.Appender
	reader   tessera.LogReader
	shutdown func(context.Context) error
}

func open(ctx context.Context, job Job) (*openLog, error) {
	signer, err := signerOf(job.Keys)
	if err != nil {
		return nil, err
	}
	driver, err := posix.New(ctx, posix.Config{Path: job.Log})
	if err != nil {
		return nil, err
	}
	interval := time.Duration(max(job.IntervalMs, 100)) * time.Millisecond
	options := tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithCheckpointInterval(interval).
		WithBatching(job.Batch, time.Duration(job.AgeMs)*time.Millisecond)
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		return nil, err
	}
	return &openLog{appender, reader, shutdown}, nil
}

func openWithLeaves(ctx context.Context, job Job) (*openLog, [][]byte, error) {
	leaves, err := readLeaves(job.Leaves)
	if err != nil {
		return nil, nil, err
	}
	log, err := open(ctx, job)
	return log, leaves, err
}

// appendLeaves adds all leaves without waiting for any, then waits for all: durable and in the tree, though not yet in
// a published checkpoint.
func appendLeaves(job Job) (Figures, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	log, leaves, err := openWithLeaves(ctx, job)
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	futures := make([]tessera.IndexFuture, len(leaves))
	for i, leaf := range leaves {
		futures[i] = log.appender.Add(ctx, tessera.NewEntry(leaf))
	}
	for _, future := range futures {
		if _, err := future(); err != nil {
			return nil, err
		}
	}
	figures := Figures{"entries/s": rate(len(leaves), begun)}
	return figures, log.shutdown(ctx)
}

// awaitPublication measures, for clients that each wait for the last entry before they send the next, the time until a
// published checkpoint holds the entry. A proof would have to be built after that.
func awaitPublication(job Job) (Figures, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	log, leaves, err := openWithLeaves(ctx, job)
	if err != nil {
		return nil, err
	}
	awaiter := tessera.NewPublicationAwaiter(ctx, log.reader.ReadCheckpoint, time.Millisecond)
	end := time.Now().Add(time.Duration(job.Seconds * float64(time.Second)))
	taken, err := atOnce(job.Clients, func(client int) ([]time.Duration, error) {
		var taken []time.Duration
		for serial := client; time.Now().Before(end); serial += job.Clients {
			begun := time.Now()
			future := log.appender.Add(ctx, tessera.NewEntry(leaves[serial%len(leaves)]))
			if _, _, err := awaiter.Await(ctx, future); err != nil {
				return nil, err
			}
			taken = append(taken, time.Since(begun))
		}
		return taken, nil
	})
	if err != nil {
		return nil, err
	}
	return latencies(taken), log.shutdown(ctx)
}

func readLeaves(path string) ([][]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var leaves [][]byte
	for len(data) > 0 {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("%s ends in the middle of a leaf", path)
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		leaves = append(leaves, data[2:end])
		data = data[end:]
	}
	if len(leaves) == 0 {
		return nil, fmt.Errorf("%s holds no leaf", path)
	}
	return leaves, nil
}

// signerOf reads the signer key, or makes a key pair where there is none.
func signerOf(path string) (note.Signer, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		secret, public, err := note.GenerateKey(nil, origin)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(path+".pub", []byte(public), 0o600); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, []byte(secret), 0o600); err != nil {
			return nil, err
		}
		return note.NewSigner(secret)
	}
	if err != nil {
		return nil, err
	}
	return note.NewSigner(string(text))
}
