/**
 * Ranks that run in step: one task per executor, started together by a Spark barrier stage.
 *
 * <p>Owns rendezvous, the collectives between ranks, deadlines and the driver's retry. Must not depend on what ranks compute.
 */
package dev.aerie.gang;
