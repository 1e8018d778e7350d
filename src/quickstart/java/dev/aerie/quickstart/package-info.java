/**
 * Makes what the quickstart runs on: a small English of our own, a tokenizer for it and a target that speaks it.
 *
 * <p>Owns the grammar that writes conversations ({@link dev.aerie.quickstart.ConversationWriter}), the byte-level BPE
 * trainer ({@link dev.aerie.quickstart.TokenizerTrainer}) and the training of the committed target
 * ({@link dev.aerie.quickstart.TargetTrainer}). Everything in it is seeded and nothing is copied from elsewhere. No job
 * depends on it: what it writes enters the pipeline as files, as a user's own data would.
 */
package dev.aerie.quickstart;
