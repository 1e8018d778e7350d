package dev.aerie.store;

/**
 * What a store was made from, as SHA-256 in hexadecimal. Two stores with equal fingerprints, codec and layers hold the same.
 *
 * @param target weights and config of the target
 * @param tokenizer tokenizer.json
 * @param template the chat template as it was run
 * @param inputs the conversations
 * @param settings every other setting of the recipe that decides what is stored
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
