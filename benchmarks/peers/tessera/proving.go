package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/client"
	"golang.org/x/mod/sumdb/note"
)

// buildProofs makes an inclusion proof for each index out of tiles in files.
func buildProofs(job Job) (Figures, error) {
	ctx := context.Background()
	_, builder, err := openTiles(ctx, job)
	if err != nil {
		return nil, err
	}
	if job.Warm {
		for _, index := range job.Indexes {
			if _, err := builder.InclusionProof(ctx, index); err != nil {
				return nil, err
			}
		}
	}
	begun := time.Now()
	for _, index := range job.Indexes {
		if _, err := builder.InclusionProof(ctx, index); err != nil {
			return nil, err
		}
	}
	return Figures{"proofs/s": rate(len(job.Indexes), begun)}, nil
}

// verifyProofs checks the proof of each index against the checkpoint's root; building them is not timed.
func verifyProofs(job Job) (Figures, error) {
	ctx := context.Background()
	leaves, err := readLeaves(job.Leaves)
	if err != nil {
		return nil, err
	}
	checkpoint, builder, err := openTiles(ctx, job)
	if err != nil {
		return nil, err
	}
	proofs := make([][][]byte, len(job.Indexes))
	for i, index := range job.Indexes {
		if proofs[i], err = builder.InclusionProof(ctx, index); err != nil {
			return nil, err
		}
	}
	if len(leaves) != len(job.Indexes) {
		return nil, fmt.Errorf("expected a leaf for each of %d indexes, got %d", len(job.Indexes), len(leaves))
	}
	hasher := rfc6962.DefaultHasher
	begun := time.Now()
	for i, index := range job.Indexes {
		hash := hasher.HashLeaf(leaves[i])
		if err := proof.VerifyInclusion(hasher, index, checkpoint.Size, hash, proofs[i], checkpoint.Hash); err != nil {
			return nil, fmt.Errorf("entry %d: %w", index, err)
		}
	}
	return Figures{"checks/s": rate(len(job.Indexes), begun)}, nil
}

func openTiles(ctx context.Context, job Job) (*log.Checkpoint, *client.ProofBuilder, error) {
	text, err := os.ReadFile(job.Keys + ".pub")
	if err != nil {
		return nil, nil, err
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, nil, err
	}
	files := client.FileFetcher{Root: job.Log}
	checkpoint, _, _, err := client.FetchCheckpoint(ctx, files.ReadCheckpoint, verifier, verifier.Name())
	if err != nil {
		return nil, nil, err
	}
	builder, err := client.NewProofBuilder(ctx, checkpoint.Size, files.ReadTile)
	return checkpoint, builder, err
}
