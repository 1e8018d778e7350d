package dev.aerie.files;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256 of what is added, in the order in which it is added. */
public final class Sha256 {

    private static final int BUFFER = 1 << 20;

    private final MessageDigest digest;

    public Sha256() {
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("SHA-256 is missing from this Java", e);
        }
    }

    private Sha256(MessageDigest digest) {
        this.digest = digest;
    }

    /** Returns a digest of what was added so far, to which more can be added independently. */
    public Sha256 copy() {
        try {
            return new Sha256((MessageDigest) digest.clone());
        } catch (CloneNotSupportedException e) {
            throw new IllegalStateException("SHA-256 of this Java cannot be copied", e);
        }
    }

    public Sha256 add(byte[] content) {
        digest.update(content);
        return this;
    }

    public Sha256 add(byte[] content, int offset, int length) {
        digest.update(content, offset, length);
        return this;
    }

    /** Adds what remains of a buffer. */
    public Sha256 add(ByteBuffer content) {
        digest.update(content);
        return this;
    }

    /** Adds a text in UTF-8. */
    public Sha256 add(String text) {
        return add(text.getBytes(StandardCharsets.UTF_8));
    }

    /** The 32 bytes; afterwards nothing is added any more. */
    public byte[] bytes() {
        return digest.digest();
    }

    /** As {@link #bytes()}, in hexadecimal. */
    public String hex() {
        return HexFormat.of().formatHex(bytes());
    }

    public static String of(byte[] content) {
        return new Sha256().add(content).hex();
    }

    /** Of a text in UTF-8. */
    public static String of(String text) {
        return new Sha256().add(text).hex();
    }

    /** Returns the digest of the rest of a stream. */
    public static String of(InputStream in) throws IOException {
        Sha256 sha = new Sha256();
        byte[] buffer = new byte[BUFFER];
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
            sha.add(buffer, 0, n);
        }
        return sha.hex();
    }

    /** Of a file of this host. */
    public static String of(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            return of(in);
        }
    }
}
