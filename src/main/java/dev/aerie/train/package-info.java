/**
 * Training of the draft: the loop of a rank, batches, loss, optimizer, checkpoints and metrics.
 */
package dev.aerie.train;
