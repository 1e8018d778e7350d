package dev.aerie.torch;

/** The device of a tensor. */
public record Device(String type, int index) {

    public static final Device CPU = new Device("cpu", 0);

    public Device {
        if (!type.equals("cpu") && !type.equals("cuda")) {
            throw new IllegalArgumentException("Invalid device: " + type + " (expected cpu or cuda)");
        }
    }

    public static Device cuda(int index) {
        return new Device("cuda", index);
    }

    public boolean isCpu() {
        return type.equals("cpu");
    }

    /** Returns torch's name of the device: {@code cpu} or {@code cuda:0}. */
    @Override
    public String toString() {
        return isCpu() ? "cpu" : type + ":" + index;
    }
}
