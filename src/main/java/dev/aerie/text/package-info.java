/**
 * From conversations to token ids and loss masks.
 *
 * <p>Owns the readers of conversation formats, the Jinja subset that runs a tokenizer's own chat template, the tokenizer, the
 * loss mask and the draft vocabulary. Must not depend on tensors, models, Spark or recipes: everything here runs in milliseconds
 * in a plain JVM.
 */
package dev.aerie.text;
