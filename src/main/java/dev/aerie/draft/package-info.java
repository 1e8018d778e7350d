/**
 * The EAGLE-3 draft model (Li et al., 2025, arXiv 2503.01840).
 *
 * <p>Owns its configuration and weights, the forward and backward passes of training-time test (TTT), the loss, replay of
 * acceptance, and the export that serving engines read. Must not depend on stores, Spark or recipes.
 */
package dev.aerie.draft;
