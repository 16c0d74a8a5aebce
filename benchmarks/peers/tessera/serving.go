package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/transparency-dev/tessera"
)

// serveLog answers POST /add with the entry's index once it is durable, as Tessera's own conformance server does, and
// serves the folder's tiles.
func serveLog(job Job) (Figures, error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServer(http.Dir(job.Log)))
	shutdown := func(context.Context) error { return nil }
	if job.Keys != "" {
		log, err := open(context.Background(), job)
		if err != nil {
			return nil, err
		}
		shutdown = log.shutdown
		mux.HandleFunc("POST /add", func(writer http.ResponseWriter, request *http.Request) {
			leaf, err := io.ReadAll(request.Body)
			if err == nil {
				var index tessera.Index
				if index, err = log.appender.Add(request.Context(), tessera.NewEntry(leaf))(); err == nil {
					_, _ = fmt.Fprintf(writer, "%d", index.Index)
					return
				}
			}
			http.Error(writer, err.Error(), http.StatusInternalServerError)
		})
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	fmt.Printf("listening on http://127.0.0.1:%d\n", listener.Addr().(*net.TCPAddr).Port)
	select {
	case err := <-served:
		return nil, err
	case <-ctx.Done():
		return Figures{}, errors.Join(server.Close(), shutdown(context.Background()))
	}
}

// loadServer sends one leaf a request from clients that keep their connections and wait for each answer.
func loadServer(job Job) (Figures, error) {
	leaves, err := readLeaves(job.Leaves)
	if err != nil {
		return nil, err
	}
	requests := make([][]byte, len(leaves))
	for i, leaf := range leaves {
		head := "POST /add HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/octet-stream\r\nContent-Length: "
		requests[i] = append([]byte(head+strconv.Itoa(len(leaf))+"\r\n\r\n"), leaf...)
	}
	warm := time.Now().Add(time.Duration(job.Seconds * 0.2 * float64(time.Second)))
	end := warm.Add(time.Duration(job.Seconds * float64(time.Second)))
	taken, err := atOnce(job.Clients, func(client int) ([]time.Duration, error) {
		return sendRequests(job, client, requests, warm, end)
	})
	if err != nil {
		return nil, err
	}
	figures := latencies(taken)
	figures["entries/s"] = float64(len(taken)) / job.Seconds
	return figures, nil
}

func sendRequests(job Job, client int, requests [][]byte, warm, end time.Time) ([]time.Duration, error) {
	connection, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(job.Port))
	if err != nil {
		return nil, err
	}
	defer func() { _ = connection.Close() }()
	answers := bufio.NewReader(connection)
	var taken []time.Duration
	for serial := client; ; serial += job.Clients {
		begun := time.Now()
		if begun.After(end) {
			return taken, nil
		}
		if _, err := connection.Write(requests[serial%len(requests)]); err != nil {
			return nil, err
		}
		answer, err := http.ReadResponse(answers, nil)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusOK {
			return nil, errors.Join(fmt.Errorf("expected status 200, got %d: %s", answer.StatusCode, body), err)
		}
		if begun.After(warm) {
			taken = append(taken, time.Since(begun))
		}
	}
}
