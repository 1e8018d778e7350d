package dev.aerie.store;

/**
 * SHA-256 digests, in hexadecimal, of everything a store was made from. Stores with equal fingerprints, codec and layers have
 * equal content.
 *
 * @param target weights and config of the target
 * @param tokenizer tokenizer.json
 * @param template the chat template with its variables
 * @param inputs the conversations
 * @param settings all other recipe settings that determine what is stored
 */
public record Fingerprints(String target, String tokenizer, String template, String inputs, String settings) {

    public Fingerprints {
        for (String sha256 : new String[] {target, tokenizer, template, inputs, settings}) {
            if (sha256 == null || !sha256.matches("[0-9a-f]{64}")) {
                throw new IllegalArgumentException("Invalid fingerprint: " + sha256 + " (expected 64 hexadecimal digits)");
            }
        }
    }
}
