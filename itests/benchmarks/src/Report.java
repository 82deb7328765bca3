final class Report { static void write(java.nio.file.Path a, java.nio.file.Path b) {} }
