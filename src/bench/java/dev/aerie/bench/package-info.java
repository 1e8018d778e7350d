/** Measurements that a person runs; their last figures are in docs/benchmarks.md. */
package dev.aerie.bench;
