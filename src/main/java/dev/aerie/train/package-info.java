/**
 * The rank loop of training: batches, loss, optimizer, checkpoints and metrics.
 */
package dev.aerie.train;
