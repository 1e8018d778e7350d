/**
 * Ranks that work in step: one task in each executor, started together by a Spark barrier stage.
 *
 * <p>Owns rendezvous, the collectives between ranks, deadlines and the driver's retry. Must not know what the ranks compute.
 */
package dev.aerie.gang;
