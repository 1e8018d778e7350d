package dev.aerie.safetensors;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;

/**
 * Writes safetensors files; the same tensors give the same bytes. Like the reference implementation, it orders tensors by
 * descending element size, then by name, and pads the header to eight bytes, so that every tensor can be mapped without a copy.
 */
public final class SafetensorsWriter {

    private static final ObjectMapper JSON = new ObjectMapper();
    /** Bytes are written in pieces, because a direct buffer has less than 2 GiB. */
    private static final int PIECE_BYTES = 1 << 26;

    private SafetensorsWriter() {}

    /**
     * Writes a file atomically: it gets its name when all its bytes are on the disk.
     *
     * @param metadata strings stored in the header; transformers expects {@code {"format": "pt"}}
     */
    public static void write(Path file, Map<String, Tensor> tensors, Map<String, String> metadata) throws IOException {
        // Not createTempFile, whose files only their owner may read; a draft is for the user who serves it.
        Path temporary = file.resolveSibling("." + file.getFileName() + "." + UUID.randomUUID() + ".tmp");
        try {
            try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                write(channel, tensors, metadata);
                channel.force(true);
            }
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    /** Writes to a stream, such as one of a Hadoop file system, and leaves it open. */
    public static void write(OutputStream out, Map<String, Tensor> tensors, Map<String, String> metadata) throws IOException {
        BufferedOutputStream buffered = new BufferedOutputStream(out, 1 << 16);
        write(Channels.newChannel(buffered), tensors, metadata);
        buffered.flush();
    }

    private static void write(WritableByteChannel channel, Map<String, Tensor> tensors, Map<String, String> metadata)
            throws IOException {
        String[] order = tensors.keySet().toArray(String[]::new);
        Arrays.sort(order, Comparator.comparingInt((String n) -> -tensors.get(n).dtype().bytes()).thenComparing(n -> n));
        ByteBuffer header = header(order, tensors, metadata);
        ByteBuffer length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, header.remaining());
        writeFully(channel, length);
        writeFully(channel, header);
        for (String name : order) {
            writeBytes(channel, tensors.get(name));
        }
    }

    private static ByteBuffer header(String[] order, Map<String, Tensor> tensors, Map<String, String> metadata)
            throws JsonProcessingException {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        if (!metadata.isEmpty()) {
            ObjectNode notes = root.putObject("__metadata__");
            new TreeMap<>(metadata).forEach(notes::put);
        }
        long at = 0;
        for (String name : order) {
            Tensor tensor = tensors.get(name);
            ObjectNode entry = root.putObject(name).put("dtype", tensor.dtype().safetensorsName());
            Arrays.stream(tensor.shape()).forEach(entry.putArray("shape")::add);
            long end = at + tensor.count() * tensor.dtype().bytes();
            entry.putArray("data_offsets").add(at).add(end);
            at = end;
        }
        byte[] json = JSON.writeValueAsString(root).getBytes(StandardCharsets.UTF_8);
        byte[] padded = Arrays.copyOf(json, (json.length + 7) / 8 * 8);
        Arrays.fill(padded, json.length, padded.length, (byte) ' ');
        return ByteBuffer.wrap(padded);
    }

    private static void writeBytes(WritableByteChannel channel, Tensor tensor) throws IOException {
        if (tensor.count() == 0) {
            return;
        }
        try (Scope scope = Scope.open()) {
            Tensor flat = tensor.detach().to(Device.CPU).contiguous().view(tensor.count());
            DType dtype = tensor.dtype();
            long piece = PIECE_BYTES / dtype.bytes();
            for (long at = 0; at < tensor.count(); at += piece) {
                try (Tensor part = flat.narrow(0, at, Math.min(piece, tensor.count() - at))) {
                    writeFully(channel, part.memory());
                }
            }
        }
    }

    private static void writeFully(WritableByteChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }
}
