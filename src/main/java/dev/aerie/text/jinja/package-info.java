/**
 * The part of Jinja that chat templates are written in, interpreted with the semantics of Python's jinja2 3.1 as Hugging Face
 * configures it (trim_blocks, lstrip_blocks, loop controls, the {@code generation} tag, an immutable sandbox).
 *
 * <p>Values are plain Java: null, Boolean, Long, BigInteger, Double, String, List, Map (string keys in insertion order) and the
 * package's own undefined, namespace and callable values. A template is untrusted, so its computation is limited.
 */
package dev.aerie.text.jinja;
