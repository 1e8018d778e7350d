package dev.aerie.train;

import dev.aerie.draft.Teacher;
import dev.aerie.draft.TrainingBatch;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.MappedFile;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * A micro-batch and its teacher in a file on a local disk, which wait until the loss rows of the whole step are counted.
 *
 * <p>A row of the teacher is as wide as the draft vocabulary, so teachers are the largest part of a step: in memory they would
 * grow with the step, and computing them twice would read lm_head twice. The file is written once and deleted soon, so most of it
 * never leaves the page cache.
 */
final class SpilledMicroBatch implements AutoCloseable {

    /** Bytes written at once, far less than the 2 GiB limit of a buffer. */
    private static final long PIECE = 64L << 20;

    private record Extent(long offset, DType dtype, long[] shape) {}

    private final Path file;
    private final TrainingBatch small;
    private final Teacher teacher;
    private final List<Extent> extents;

    private SpilledMicroBatch(Path file, TrainingBatch batch, Teacher teacher, List<Extent> extents) {
        this.file = file;
        this.small = batch;
        this.teacher = teacher;
        this.extents = extents;
    }

    /**
     * Writes the tensors that the loss needs of a micro-batch; the caller may close them afterwards.
     *
     * @param folder on a local disk
     */
    static SpilledMicroBatch write(Path folder, TrainingBatch batch, Teacher teacher) throws IOException {
        Path file = Files.createTempFile(folder, "aerie-micro-batch-", ".tensors");
        try (FileChannel out = FileChannel.open(file, StandardOpenOption.WRITE)) {
            List<Tensor> tensors = new ArrayList<>(teacher.tensors());
            tensors.add(batch.aux());
            List<Extent> extents = new ArrayList<>();
            for (Tensor tensor : tensors) {
                extents.add(new Extent(out.position(), tensor.dtype(), tensor.shape()));
                write(tensor, out);
            }
            return new SpilledMicroBatch(file, batch, teacher, extents);
        } catch (IOException | RuntimeException e) {
            Files.deleteIfExists(file);
            throw e;
        }
    }

    private static void write(Tensor tensor, FileChannel out) throws IOException {
        try (Scope writing = Scope.open()) {
            Tensor flat = tensor.contiguous().view(tensor.count());
            long elements = PIECE / tensor.dtype().bytes();
            for (long at = 0; at < flat.count(); at += elements) {
                try (Scope piece = Scope.open()) {
                    ByteBuffer bytes = flat.narrow(0, at, Math.min(elements, flat.count() - at)).to(Device.CPU).memory();
                    while (bytes.hasRemaining()) {
                        out.write(bytes);
                    }
                }
            }
            // Aligned, because a tensor's offset must be a multiple of its element's size.
            out.position((out.position() + Long.BYTES - 1) / Long.BYTES * Long.BYTES);
        }
    }

    /** The result of {@link #read}, in the innermost scope. */
    record Read(TrainingBatch batch, Teacher teacher) {}

    /** Reads the micro-batch, without the states that its teacher was computed from, and the teacher to a device. */
    Read read(Device device) {
        List<Tensor> tensors = new ArrayList<>();
        try (MappedFile mapped = MappedFile.open(file)) {
            for (Extent extent : extents) {
                tensors.add(mapped.tensor(extent.offset(), extent.dtype(), extent.shape()).to(device));
            }
        }
        int last = tensors.size() - 1;
        TrainingBatch batch = new TrainingBatch(small.packed(), small.cuSeqlens(), tensors.get(last),
                Tensor.zeros(tensors.get(last).dtype(), Device.CPU, 0, 1), new long[0]);
        return new Read(batch, teacher.with(tensors.subList(0, last)));
    }

    /** Deletes the file. */
    @Override
    public void close() throws IOException {
        Files.deleteIfExists(file);
    }
}
