package dev.aerie.safetensors;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.aerie.errors.RefusalException;
import dev.aerie.files.GitPointer;
import dev.aerie.torch.DType;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The header of a safetensors file, all of whose numbers are checked against the file before anything is mapped.
 *
 * <p>A file is eight bytes of header length (little-endian), the header (JSON), and the tensors' bytes, which must cover the
 * rest without gaps or overlaps (huggingface/safetensors, README "Format").
 *
 * @param dataStart byte of the file at which tensor data begins
 * @param tensors by name, in the order of their bytes
 */
record SafetensorsHeader(long dataStart, Map<String, Entry> tensors, Map<String, String> metadata) {

    /** The reference implementation's limit; a longer header is taken for damage. */
    private static final long MAX_LENGTH = 100_000_000;

    private static final ObjectMapper JSON =
            JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

    /**
     * One tensor.
     *
     * @param begin first byte, counted after the header
     * @param end end, exclusive
     */
    record Entry(DType dtype, long[] shape, long begin, long end) {}

    static SafetensorsHeader read(Path file) {
        GitPointer.refuse(file);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long size = channel.size();
            if (size < 8) {
                throw invalid(file, size + " bytes long (expected at least the 8 bytes of the header length)");
            }
            long length = read(channel, 0, 8).getLong();
            if (length < 2 || length > MAX_LENGTH || length > size - 8) {
                throw invalid(file, "header length " + Long.toUnsignedString(length) + " (expected 2 to "
                        + Math.max(2, Math.min(MAX_LENGTH, size - 8)) + " in a file of " + size + " bytes)");
            }
            JsonNode root = parse(file, read(channel, 8, (int) length).array());
            return new SafetensorsHeader(8 + length, tensors(file, root, size - 8 - length), metadata(file, root));
        } catch (NoSuchFileException e) {
            throw new RefusalException("Missing safetensors file: " + file, e);
        } catch (IOException e) {
            throw new RefusalException("Unreadable safetensors file: " + file + " (" + e.getMessage() + ")", e);
        }
    }

    private static ByteBuffer read(FileChannel channel, long at, int bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        while (buffer.hasRemaining()) {
            if (channel.read(buffer, at + buffer.position()) < 0) {
                throw new EOFException("the file became shorter while it was read");
            }
        }
        return buffer.flip();
    }

    private static JsonNode parse(Path file, byte[] header) {
        try {
            JsonNode root = JSON.readTree(header);
            if (!root.isObject()) {
                throw invalid(file, "the header is not a JSON object");
            }
            return root;
        } catch (JsonProcessingException e) {
            throw invalid(file, "the header is not JSON: " + e.getOriginalMessage().lines().findFirst().orElse(""));
        } catch (IOException e) {
            throw invalid(file, "the header is not JSON: " + e.getMessage());
        }
    }

    private static Map<String, String> metadata(Path file, JsonNode root) {
        Map<String, String> out = new LinkedHashMap<>();
        JsonNode metadata = root.path("__metadata__");
        if (!metadata.isMissingNode() && !metadata.isObject()) {
            throw invalid(file, "__metadata__ is not a JSON object");
        }
        metadata.properties().forEach(e -> {
            if (!e.getValue().isTextual()) {
                throw invalid(file, "__metadata__." + e.getKey() + " is not a string");
            }
            out.put(e.getKey(), e.getValue().textValue());
        });
        return out;
    }

    private static Map<String, Entry> tensors(Path file, JsonNode root, long dataBytes) {
        List<Map.Entry<String, Entry>> entries = root.properties().stream()
                .filter(e -> !e.getKey().equals("__metadata__"))
                .map(e -> Map.entry(e.getKey(), entry(file, e.getKey(), e.getValue(), dataBytes)))
                .sorted(Comparator.comparingLong((Map.Entry<String, Entry> e) -> e.getValue().begin())
                        .thenComparingLong(e -> e.getValue().end())
                        .thenComparing(Map.Entry::getKey))
                .toList();
        Map<String, Entry> out = new LinkedHashMap<>();
        long covered = 0;
        String before = "the header";
        for (Map.Entry<String, Entry> e : entries) {
            long begin = e.getValue().begin();
            if (begin < covered) {
                throw invalid(file, e.getKey() + " starts at byte " + begin + ", inside " + before
                        + " (which ends at " + covered + ")");
            }
            if (begin > covered) {
                throw invalid(file, "no tensor owns bytes " + covered + " to " + begin + ", before " + e.getKey());
            }
            covered = e.getValue().end();
            before = e.getKey();
            out.put(e.getKey(), e.getValue());
        }
        if (covered != dataBytes) {
            throw invalid(file, "no tensor owns bytes " + covered + " to " + dataBytes + ", after " + before);
        }
        return out;
    }

    private static Entry entry(Path file, String name, JsonNode node, long dataBytes) {
        DType dtype = DType.ofSafetensors(node.path("dtype").asText());
        if (dtype == null) {
            throw invalid(file, name + " has dtype " + node.path("dtype") + " (expected one of "
                    + String.join(", ", Arrays.stream(DType.values()).map(DType::safetensorsName).toList()) + ")");
        }
        long[] shape = numbers(file, name, "shape", node);
        long[] offsets = numbers(file, name, "data_offsets", node);
        if (offsets.length != 2 || offsets[0] > offsets[1]) {
            throw invalid(file, name + " has data_offsets " + node.path("data_offsets") + " (expected [begin, end])");
        }
        if (offsets[1] > dataBytes) {
            throw invalid(file, name + " ends at byte " + offsets[1] + " of the " + dataBytes
                    + " that the file holds after its header (truncated?)");
        }
        long bytes = bytes(file, name, dtype, shape);
        if (bytes != offsets[1] - offsets[0]) {
            throw invalid(file, name + " has " + (offsets[1] - offsets[0]) + " bytes (expected " + bytes + " for "
                    + dtype.safetensorsName() + Arrays.toString(shape) + ")");
        }
        return new Entry(dtype, shape, offsets[0], offsets[1]);
    }

    private static long bytes(Path file, String name, DType dtype, long[] shape) {
        try {
            long bytes = dtype.bytes();
            for (long s : shape) {
                bytes = Math.multiplyExact(bytes, s);
            }
            return bytes;
        } catch (ArithmeticException e) {
            throw invalid(file, name + " has shape " + Arrays.toString(shape) + ", more than any file holds");
        }
    }

    private static long[] numbers(Path file, String name, String key, JsonNode node) {
        JsonNode list = node.path(key);
        boolean good = list.isArray();
        long[] out = new long[list.size()];
        for (int i = 0; good && i < out.length; i++) {
            good = list.get(i).isIntegralNumber() && list.get(i).canConvertToLong() && list.get(i).longValue() >= 0;
            out[i] = good ? list.get(i).longValue() : 0;
        }
        if (!good) {
            throw invalid(file, name + " has " + key + " " + list + " (expected a list of whole numbers from 0)");
        }
        return out;
    }

    private static RefusalException invalid(Path file, String what) {
        return new RefusalException("Invalid safetensors file: " + file + ": " + what);
    }
}
