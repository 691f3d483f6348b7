"""The scikit-learn face: one public class per file."""
